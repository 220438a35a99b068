"""Directory, accounts, duty and log-ins in verbs."""

__all__ = ["accounts", "credentials", "directory", "logging_in", "password_hashing", "seeding"]
