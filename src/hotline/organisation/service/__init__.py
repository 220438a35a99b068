"""Services of the directory, accounts, duty and log-ins."""

__all__ = ["accounts", "credentials", "directory", "logging_in", "password_hashing", "seeding", "sessions"]
