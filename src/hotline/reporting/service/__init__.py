"""Figures, reports and exports: what can be done."""

__all__ = ["figures", "reports"]
