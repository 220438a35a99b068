"""Queries of reports, exports and oversight."""

__all__ = ["reports"]
