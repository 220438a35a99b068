"""Alerts: dangers that nobody has taken on yet, who must know of them and how they are told; who is on duty now."""

__all__ = ["capability"]
