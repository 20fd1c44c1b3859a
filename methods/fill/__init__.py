"""`python -m methods fill`: fill images from the command line."""
