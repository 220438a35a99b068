"""Tickets that were indexed in an older form of words are found again after an upgrade."""

import hashlib

import pytest
import sqlalchemy as sa

from hotline.database import search_index as index_entries
from hotline.text import normalisation
from hotline.text.normalisation import FOLD_VERSION, fold_characters, fold_text
from hotline.text.simplified import _IDEOGRAPHS
from hotline.tickets.context import Services
from hotline.tickets.jobs import ticket_jobs
from hotline.tickets.store import search_index
from tests.conftest import Player


async def found(desk: Player, words: str) -> list[str]:
    reply = await desk.get("/v1/tickets", params={"q": words, "sort": "created_at"})
    return [ticket["number"] for ticket in reply.json()["items"]]


@pytest.fixture
async def old_index(desk: Player, services: Services, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three tickets, indexed by a program that knew no traditional characters."""
    with monkeypatch.context() as before:
        before.setattr(normalisation, "to_simplified", lambda text: text)
        forget_folded()
        numbers = [(await desk.call(said))["number"] for said in ("樓下有隻蟑螂", "楼下停水", "簷篷漏水")]
    forget_folded()
    return numbers


def forget_folded() -> None:
    fold_text.cache_clear()
    fold_characters.cache_clear()


async def work(services: Services, pieces: int) -> None:
    (job,) = [job for job in ticket_jobs(services) if job.name == "search_index"]
    for _ in range(pieces):
        assert await job.step()
    assert not await job.step()


async def test_the_worker_indexes_anew_what_folds_otherwise_than_before(
    old_index: list[str], desk: Player, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "BATCH", 2)
    written = []
    replace = index_entries.replace_entries
    monkeypatch.setattr(search_index, "replace_entries", lambda c, rows: (written.extend(rows), replace(c, rows)))
    assert await found(desk, "楼下") == [old_index[1]]
    await work(services, pieces=2)
    assert await found(desk, "楼下") == await found(desk, "樓下") == old_index[:2]
    assert await found(desk, "檐篷") == [old_index[2]]
    assert [entry.key for entry in written] == [old_index[0], old_index[2]]  # the other folds as it did
    later = await desk.call("樓道燈壞了")
    await work(services, pieces=0)
    assert await found(desk, "楼道灯") == [later["number"]] and len(written) == 2


async def test_a_whole_index_that_was_lost_is_written_again(
    old_index: list[str], desk: Player, services: Services
) -> None:
    await work(services, pieces=1)
    await services.db.transact(lambda c: c.execute(sa.text("DELETE FROM ticket_words")))
    assert await found(desk, "楼下") == []
    await services.db.transact(search_index.restart_index)
    assert await services.db.transact(lambda c: search_index.index_next(c, every=True)) == 3
    assert await found(desk, "楼下") == old_index[:2]


def test_whoever_changes_how_text_folds_raises_the_version() -> None:
    texts = [*_IDEOGRAPHS, "煤\u200b气\n泄漏", "３栋二单元", "十二栋", "Größe ǅ ﷺ ①②", "e\u0301"]
    digest = hashlib.sha256("\n".join(fold_text(text) for text in texts).encode()).hexdigest()[:16]
    assert (FOLD_VERSION, digest) == (2, "13b80691f3e972e4"), (
        "text folds otherwise than before: raise FOLD_VERSION, let `folds_anew` say which texts, and note both here"
    )
