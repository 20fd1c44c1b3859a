"""Evaluate what participants have answered: exclusions, live ranking, exports."""
