"""Judgement that is measured and learns: evaluation of triage on cases with their right answers."""

__all__ = ["capability"]
