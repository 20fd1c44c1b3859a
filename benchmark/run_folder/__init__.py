"""The run folder on disk: journal, rows and provenance."""
