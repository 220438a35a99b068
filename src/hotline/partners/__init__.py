"""Orders of other hotlines."""

__all__ = ["capability", "hotline_12345"]
