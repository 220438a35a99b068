"""Loops that wake, take one thing, do it, sleep."""
