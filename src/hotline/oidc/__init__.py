"""Logging in at an identity provider (OpenID Connect): what its claims grant, the check of its tokens, the way there
and back."""

__all__ = ["capability", "providers", "service", "store", "tables"]
