"""Distances between the set of results and the set of references: FID, KID, P-IDS, U-IDS and their
like on other features."""
