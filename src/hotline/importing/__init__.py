"""Taking in what another system exported."""
