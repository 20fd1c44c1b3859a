"""Trying an exported network with every option that its file leaves open."""
