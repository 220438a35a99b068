"""Tickets over HTTP."""

__all__ = [
    "attachments",
    "bulk",
    "calls",
    "candidates",
    "departments",
    "dispatching",
    "duplicates",
    "explain",
    "lookup",
    "search",
    "tickets",
]
