"""The directory, people, keys, scopes, duty and calendars."""

__all__ = [
    "commands",
    "context",
    "dependencies",
    "jobs",
    "model",
    "routes",
    "schemas",
    "service",
    "store",
    "tables",
    "write_request",
]
