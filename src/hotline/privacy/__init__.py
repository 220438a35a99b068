"""Privacy: what is held of a person, shown to them or taken out, and what is kept for how long."""

__all__ = ["capability"]
