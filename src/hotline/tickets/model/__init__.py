"""Rules and types of tickets. Standard library only."""

__all__ = [
    "address",
    "calling",
    "dangers",
    "erasure",
    "intake",
    "measures",
    "new_ticket",
    "publication",
    "routing",
    "stream_events",
    "ticket",
    "undo",
    "visibility",
    "vocabulary",
]
