"""Rules and types of tickets. Standard library only."""

__all__ = [
    "address",
    "intake",
    "measures",
    "new_ticket",
    "publication",
    "routing",
    "stream_events",
    "ticket",
    "visibility",
    "vocabulary",
]
