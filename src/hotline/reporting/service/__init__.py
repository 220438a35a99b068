"""Figures, reports and exports in verbs."""

__all__ = ["exports", "figures", "reports"]
