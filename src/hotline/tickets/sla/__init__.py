"""Service levels: policies, timers, escalation."""
