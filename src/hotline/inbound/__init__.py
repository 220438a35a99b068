"""Items that providers push: stored before they are acknowledged, spooled while the database is unavailable."""

__all__ = [
    "context",
    "handlers",
    "jobs",
    "model",
    "outcome",
    "push",
    "push_requests",
    "rows",
    "signatures",
    "spool",
    "spool_drain",
    "store",
    "tables",
    "twilio_signature",
    "work_off",
]
