"""What providers push: kept before it is answered, spooled while the database is away."""

__all__ = [
    "inbox",
    "model",
    "outcome",
    "push",
    "pushes",
    "rows",
    "signatures",
    "spool",
    "store",
    "tables",
    "twilio_signature",
]
