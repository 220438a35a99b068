"""Figures, rollups, charts, reports, exports and oversight."""

__all__ = ["capability", "charts", "model", "service", "store", "tables", "vocabulary"]
