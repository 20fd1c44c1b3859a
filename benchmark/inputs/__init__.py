"""Photographs, masks and the protocols that make cases of them."""
