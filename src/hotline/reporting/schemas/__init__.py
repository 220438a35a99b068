"""Replies and requests of figures, reports and boards."""
