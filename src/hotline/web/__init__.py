"""HTTP without anything about tickets: problems, paging, limits, idempotency, the guard."""

__all__ = [
    "action_routes",
    "addresses",
    "anonymous_limit",
    "connections",
    "field_types",
    "forwarded",
    "guard",
    "idempotency",
    "jobs",
    "limits",
    "paging",
    "problems",
    "published_schemas",
    "responses",
    "rule_texts",
    "schemas",
    "tables",
    "throttle_store",
    "throttling",
]
