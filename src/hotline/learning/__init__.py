"""Judgement that is measured and learns: evaluation of triage on cases, and a model fitted on persons' decisions."""

__all__ = ["capability", "in_use", "model", "schemas", "service", "tables"]
