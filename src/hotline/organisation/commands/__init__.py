"""Commands about the organisation: its directory, calendars, keys and people."""

from hotline.organisation.commands import accounts, calendars, seeding

GROUPS = (seeding.commands, accounts.keys, accounts.users, calendars.commands)
