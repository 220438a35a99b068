"""Items of incoming webhooks: stored before they are acknowledged, spooled while the database is unavailable."""

__all__ = [
    "context",
    "handlers",
    "jobs",
    "model",
    "outcome",
    "personal",
    "processing",
    "rows",
    "signatures",
    "spool",
    "spool_drain",
    "store",
    "tables",
    "twilio_signature",
    "webhook_endpoint",
    "webhook_request",
]
