"""Incidents: many calls about one matter, handled as one."""
