"""The report page of a run, and publishing everything into the run folder."""
