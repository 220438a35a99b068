"""Outgoing messages: the outbox, attempts, gateways, and the checked way out."""

__all__ = [
    "account",
    "alarms",
    "attempts",
    "channels",
    "commands",
    "context",
    "egress",
    "gateway_settings",
    "gateway_store",
    "gateways",
    "heartbeat",
    "model",
    "notices",
    "payloads",
    "provider",
    "provider_client",
    "registry",
    "store",
    "tables",
]
