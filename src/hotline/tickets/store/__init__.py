"""Queries of tickets. Each begins with who asks."""
