"""For `make test`, as `-p tests.dealing`: in stories of many cases, whose differences end before a database is asked, the
databases take the cases in turn. Each case stays on one of them, and each story on both; `make chaos` tells every case
on both."""

import re
from collections.abc import Iterable
from zlib import crc32

import pytest

STORIES = (
    "tests/open311", "tests/sms", "tests/telephony", "tests/text", "tests/web/test_anonymous_limit.py",
    "tests/web/test_bodies.py", "tests/web/test_refusals.py",
)  # fmt: skip
DATABASES = ("sqlite", "postgres")
MANY = 4  # and more


def left_out(told: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Of (story, case, database): what is not told where the databases take turns."""
    stories: dict[str, dict[str, set[str]]] = {}
    for story, case, database in told:
        stories.setdefault(story, {}).setdefault(case, set()).add(database)
    left = set()
    for story, cases in stories.items():
        on_both = [case for case, databases in cases.items() if len(databases) == len(DATABASES)]
        # mixed, and the same each time: by their names one database would take all forms, the other all JSON
        on_both.sort(key=lambda case: (crc32(case.encode("utf-8", "surrogatepass")), case))
        if len(on_both) >= MANY:
            left |= {(story, case, DATABASES[n % 2]) for n, case in enumerate(on_both)}
    return left


def _told(item: pytest.Item) -> tuple[str, str, str] | None:
    """The story, the case and the database of a test; None: it has no database, or is none of STORIES."""
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    database = str(params.get("db"))
    if database not in DATABASES or not item.nodeid.startswith(STORIES):
        return None
    story, _, case = item.nodeid.partition("[")
    return story, re.sub(rf"(^|-){database}(-|]$)", r"\1\2", case, count=1), database


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    told = {item: found for item in items if (found := _told(item))}
    left = left_out(told.values())
    dropped = [item for item in items if told.get(item) in left]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if told.get(item) not in left]


if __name__ == "__main__":
    print(*STORIES)
