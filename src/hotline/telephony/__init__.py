"""Calls on the exchange: events into calls, screen pops, return calls, figures of the call centre."""
