"""Figures, reports and exports in verbs."""
