"""Directory, accounts, duty and log-ins in verbs."""
