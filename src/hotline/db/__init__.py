"""How it is kept: tables, two engines, the journal, queries by noun."""
