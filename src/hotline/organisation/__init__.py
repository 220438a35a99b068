"""The directory, people, keys, scopes, duty and calendars."""
