"""Residents' pages: report a matter without a log-in, look it up, say whether it is fixed. Forms that work without a
script; a module makes them easier."""

__all__ = ["capability", "pages", "rendering", "tables"]
