"""Rules and types of tickets. Standard library only."""

__all__ = ["measures", "stream_events", "tallies", "ticket", "visibility", "vocabulary"]
