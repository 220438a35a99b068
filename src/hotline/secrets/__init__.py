"""Secrets that must be used again, sealed."""
