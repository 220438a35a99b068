"""The platform's database: two engines, the journal, prepared queries, leases, migrations. Knows no ticket."""
