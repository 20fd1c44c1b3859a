"""Store a study in its database."""
