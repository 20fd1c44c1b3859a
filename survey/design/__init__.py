"""Decide which pairs of images a participant compares; no input or output."""
