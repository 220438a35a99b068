"""Robots of chat groups: one file for each provider."""
