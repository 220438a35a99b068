"""The order of the stories where several workers share them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import LONG, ROOT, WAITING, dealt

FILES = ("text/test_d.py", "chaos/test_a.py", "walks/test_b.py", "sms/test_e.py", "cli/test_c.py")


@pytest.mark.parametrize("place", [*WAITING, *LONG])
def test_what_is_named_as_long_is_there(place: str) -> None:
    assert (ROOT / place).exists() and (ROOT / place).is_dir() == place.endswith("/")


@pytest.mark.parametrize("workers", [2, 3, 4])
def test_every_story_is_dealt_once_and_each_worker_begins_with_long_ones(workers: int) -> None:
    items: list[Any] = [
        SimpleNamespace(nodeid=f"tests/{file}::test_{n}", path=Path(file)) for file in FILES for n in range(30)
    ]
    order = [item.nodeid for item in dealt(items, workers)]
    assert sorted(order) == sorted(item.nodeid for item in items)
    begins = [order[len(items) * n // workers] for n in range(workers)]
    assert begins[0].startswith(WAITING)
    assert all(first.startswith(LONG) for first in begins[1:3]), begins
    assert not order[-1].startswith((*LONG, *WAITING))
