"""A run folder: its contents, tables, paired differences, published numbers and plots."""
