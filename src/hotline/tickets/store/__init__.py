"""Queries of tickets. Each takes the asker's scope first, unless it says otherwise."""

__all__ = [
    "assignments",
    "callers",
    "chain",
    "channel_log",
    "counted",
    "counters",
    "departures",
    "facts",
    "history",
    "lists",
    "scope",
    "search_index",
]
