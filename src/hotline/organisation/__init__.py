"""The directory, people, keys, scopes, duty and calendars."""

__all__ = ["commands", "context", "dependencies", "model", "routes", "schemas", "service", "store", "tables"]
