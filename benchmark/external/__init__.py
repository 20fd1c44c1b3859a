"""External results: export of a run's inputs, audit of the results."""
