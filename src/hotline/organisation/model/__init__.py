"""Rules and types of the organisation. Standard library only."""

__all__ = [
    "actors",
    "directory",
    "duty",
    "grants",
    "holidays",
    "hours",
    "items",
    "names",
    "outlines",
    "scopes",
    "second_factors",
    "sessions",
    "vocabulary",
    "working_time",
]
