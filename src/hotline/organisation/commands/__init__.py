"""Commands about the organisation: its directory, calendars, keys and people."""

from hotline.organisation.commands import accounts, calendars, factors, outlines, seeding

accounts.users.add_typer(factors.commands)
GROUPS = (seeding.commands, accounts.keys, accounts.users, calendars.commands, outlines.commands)
