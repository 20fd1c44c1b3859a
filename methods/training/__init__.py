"""Training of the networks of the two-stage method."""
