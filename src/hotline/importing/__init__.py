"""Taking in what another system exported."""

__all__ = ["capability"]
