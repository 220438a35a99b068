"""What providers push: kept before it is answered, spooled while the database is away."""

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
