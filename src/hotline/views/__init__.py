"""Saved views: filters and order of a list under a name, of one's own or shared with colleagues."""

__all__ = ["capability", "tables"]
