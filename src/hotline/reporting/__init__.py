"""Figures, rollups, charts, reports, exports and oversight."""
