"""Services of the directory, accounts, duty and log-ins."""

__all__ = [
    "account_events",
    "accounts",
    "administrators",
    "credentials",
    "directory",
    "first_people",
    "logging_in",
    "outlines",
    "passkeys",
    "password_hashing",
    "second_factors",
    "second_step",
    "seeding",
    "sessions",
]
