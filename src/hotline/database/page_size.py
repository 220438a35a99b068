"""How many items a page of a list has at most: what HTTP accepts as `limit`, and what queries are planned for."""

MAX_PAGE_SIZE = 200
