"""Texts over HTTP."""
