"""Running cases: inference, scoring and writing."""
