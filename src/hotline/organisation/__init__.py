"""The directory, people, keys, scopes, duty and calendars."""

__all__ = ["context", "dependencies", "model", "routes", "schemas", "service", "store", "tables", "write_request"]
