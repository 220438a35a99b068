"""Queries of the directory, people and credentials."""
