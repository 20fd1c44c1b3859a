"""Votes of pairwise comparisons: read from files of any platform, filtered, turned into arrays."""
