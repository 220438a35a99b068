"""Outgoing messages: the outbox, attempts, gateways, and the checked way out."""
