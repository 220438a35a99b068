"""How a capability joins a process: routes, parts, jobs; and the worker that runs the jobs."""

__all__ = ["capability", "jobs", "memory", "personal_nouns", "retention", "settings", "subprocess", "upkeep", "worker"]
