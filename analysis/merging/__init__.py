"""Joining run folders of one protocol and dataset, computed by several people or machines."""
