"""Imports another system's export: every row becomes a ticket with its history, or is refused with a reason.

What can be known from the mapping and the file's heading is told before the first row. History is played through the
life cycle's own tables, so that an imported ticket is one that could have happened here. Open matters are taken over
now: their limits begin with the import, and nobody is told of the past. docs/importing.md says it for who imports.
"""

__all__ = ["importer", "report"]
