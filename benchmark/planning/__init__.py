"""What to run: requests, methods, cases and their keys."""
