"""Figures, reports, exports and oversight over HTTP."""
