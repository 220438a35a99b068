"""Tickets over HTTP."""

__all__ = [
    "attachments",
    "bulk",
    "calls",
    "candidates",
    "dangers",
    "departments",
    "dispatching",
    "duplicates",
    "explain",
    "lookup",
    "search",
    "tickets",
]
