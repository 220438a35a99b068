"""Directory, accounts and duty over HTTP."""
