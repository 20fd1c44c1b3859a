"""Proof that each network computes what its authors' code computes: golden vectors made with that
code on generated weights. `python -m tests.conformance NETWORK DIR`."""
