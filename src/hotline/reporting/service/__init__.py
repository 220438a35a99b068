"""Figures, reports and exports: what can be done."""

__all__ = ["exports", "figures", "reports"]
