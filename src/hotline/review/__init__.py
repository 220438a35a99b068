"""Review of inbound items that wait for a person."""

__all__ = ["capability"]
