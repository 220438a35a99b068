"""One file per platform of another hotline."""

__all__ = ["hotline_12345"]
