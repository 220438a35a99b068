"""The platform's database: two engines, the journal, prepared queries, leases, migrations. Knows no ticket."""

__all__ = [
    "cache",
    "columns",
    "context",
    "deadlines",
    "engine",
    "engine_postgres",
    "engine_sqlite",
    "idempotency",
    "identifiers",
    "insert_ignore",
    "journal",
    "leases",
    "metadata",
    "migrations",
    "offload",
    "outages",
    "prepared",
    "tables",
    "write_batcher",
    "write_plan",
]
