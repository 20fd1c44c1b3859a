"""The suite's side of the GIMP plug-in: its installer, and the worker process that fills."""
