"""HTTP without a noun: problems, paging, limits, idempotency, the guard."""
