"""Queries of tickets. Each begins with who asks."""

__all__ = ["assignments", "callers", "channel_log", "counters", "facts", "history", "lists", "scope"]
