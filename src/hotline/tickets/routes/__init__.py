"""Tickets over HTTP."""

__all__ = ["attachments", "calls", "candidates", "departments", "explain", "lookup", "tickets"]
