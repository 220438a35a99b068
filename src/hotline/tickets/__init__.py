"""Tickets and assignments: life cycle, intake, changes, queues, timeline, clocks."""

__all__ = [
    "act",
    "attachments",
    "caller_lookup",
    "commands",
    "context",
    "dependencies",
    "duplicates",
    "intake",
    "jobs",
    "lifecycle",
    "lookup",
    "model",
    "routes",
    "schemas",
    "serials",
    "sla",
    "spool_intake",
    "store",
    "tables",
    "write_plan",
]
