"""Planning a run: request, methods, cases and their keys."""
