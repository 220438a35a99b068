"""Queries of reports, exports and oversight."""
