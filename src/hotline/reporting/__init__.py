"""Figures, rollups, charts, reports, exports and oversight."""

__all__ = ["capability", "charts", "model", "rollups", "service", "store", "tables", "vocabulary"]
