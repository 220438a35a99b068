"""Tickets over HTTP."""

__all__ = ["attachments", "calls", "candidates", "departments", "duplicates", "explain", "lookup", "search", "tickets"]
