"""Tickets and assignments: lifecycle, intake, the one door, queues, timeline, clocks."""
