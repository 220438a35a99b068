"""The security log: who did what about access and data, from which address. Rows are added, never changed."""

__all__ = ["client", "service", "store", "tables", "vocabulary"]
