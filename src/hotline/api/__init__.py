"""HTTP in and out; no rule lives here."""
