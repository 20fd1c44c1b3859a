"""Networks exported to files: what these tell, inputs, outputs and errors."""
