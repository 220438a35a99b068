"""Figures, reports and exports in verbs."""

__all__ = ["figures", "reports"]
