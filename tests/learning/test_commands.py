"""The commands of the model: train, versions, promote, rollback."""

import asyncio
import random
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.composition import assemble_services
from hotline.database.engine_sqlite import Sqlite
from hotline.learning.fit_process import decode_result, decode_task, encode_result, encode_task, fit_apart
from hotline.learning.fitting import fit
from hotline.learning.model.training import FitTask, LabelledText
from hotline.organisation.model.vocabulary import Channel, Kind
from hotline.text.normalisation import fold_text
from hotline.text.numbering import FIRST, number_from_serial
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.vocabulary import TicketStatus
from hotline.tickets.tables import ticket, timeline
from tests.cli.commands import hotline
from tests.conftest import NOON, SEALING, SECRET
from tests.learning.desk import Desk
from tests.learning.narratives import MATTERS, Told
from tests.learning.test_quarter import BEGIN, some


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("HOTLINE_SECRET", SECRET.decode())
    hotline(tmp_path, "migrate")
    hotline(tmp_path, "seed", "ruiquan")
    return tmp_path


def decided(folder: Path, narratives: list[Told]) -> None:
    """Written into the folder's database, as if a desk had decided them."""

    async def write() -> None:
        db = Sqlite(folder / "data" / "hotline.db", sealing=SEALING)
        await db.open()
        services = assemble_services(db, lambda: NOON, b"a secret of the test suite, long enough", folder / "files")
        services.journal.start()
        desk = Desk(services, first=narratives[0].at.day * 1000)
        await desk.decide(narratives)
        await services.journal.drain()
        await db.close()

    asyncio.run(write())


def test_what_was_decided_just_now_is_said_to_be_read_by_the_next_run(folder: Path) -> None:
    said = "what was decided within the last minute is read by the next run"
    assert said not in hotline(folder, "triage", "train", code=1).stderr
    entry: dict[str, Any] = {
        "number": number_from_serial(FIRST + 7), "seq": 1, "at": datetime.now(UTC), "by_kind": "person", "by_id": "li",
        "by_name": "李敏", "action": "triage", "status_to": "triaged", "changes": {},
    }  # fmt: skip

    async def write() -> None:
        db = Sqlite(folder / "data" / "hotline.db", sealing=SEALING)
        await db.open()
        made = Ticket(
            entry["number"],
            TicketStatus.TRIAGED,
            Kind.REQUEST,
            Channel.PHONE,
            "门坏了",
            "门坏了",
            entry["at"],
            entry["at"],
        )
        row = {field.name: getattr(made, field.name) for field in fields(Ticket)}
        await db.transact(
            lambda c: (c.execute(sa.insert(ticket).values(row)), c.execute(sa.insert(timeline).values(entry)))
        )
        await db.close()

    asyncio.run(write())
    assert said in hotline(folder, "triage", "train", code=1).stderr


def test_a_version_is_trained_listed_promoted_and_rolled_back(folder: Path) -> None:
    few = hotline(folder, "triage", "train", code=1).stderr
    read, persons, hint, refused = few.splitlines()
    assert "machine's key counts for no person" in persons
    assert read == "0 new lines of timelines read; 0 decisions by persons, 0 left as the rules chose"
    assert "--from-start" in hint and refused.startswith("refused: 0 decisions by persons; 50 of two categories")
    empty = hotline(folder, "triage", "versions")
    assert empty.stdout == "" and "no version yet: 0 decisions by persons were read, 50 are needed" in empty.stderr
    assert "no version is in use" in hotline(folder, "triage", "rollback", code=1).stderr
    decided(folder, some(1, BEGIN - timedelta(days=3), 200))
    trained = hotline(folder, "triage", "train")
    assert trained.stdout.startswith("version 1: in use") and "model.trained" in trained.stderr  # no log among results
    decided(folder, some(2, BEGIN - timedelta(days=2), 120))
    assert "version 2: in use" in hotline(folder, "triage", "train").stdout
    listed = hotline(folder, "triage", "versions").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["2", "1"] and listed[0].endswith("shadow")
    assert "320 labels" in listed[0]
    asked = hotline(folder, "triage", "promote", "2", "--acting", code=2).stderr  # nobody is there to answer
    assert "new tickets of every channel" in asked and "nothing changed" in asked and "--yes" in asked
    assert hotline(folder, "triage", "versions").stdout.splitlines()[0].endswith("shadow")
    assert "in use: 2, acting" in hotline(folder, "triage", "promote", "2", "--acting", "--yes").stderr
    assert hotline(folder, "triage", "versions").stdout.splitlines()[0].endswith("acting")
    assert (
        "in use: 1, shadow (servers notice it within 15 seconds); new" in hotline(folder, "triage", "rollback").stderr
    )
    assert "new versions wait" in hotline(folder, "triage", "versions").stderr
    assert hotline(folder, "triage", "versions").stdout.splitlines()[1].endswith("shadow")
    assert "no such version" in hotline(folder, "triage", "promote", "9", "--acting", code=1).stderr
    assert "version 3: kept, not in use" in hotline(folder, "triage", "train").stdout  # until somebody promotes it


def test_a_version_that_is_right_too_rarely_is_refused_and_said_so(folder: Path) -> None:
    chance = random.Random(8)
    told = some(1, BEGIN - timedelta(days=3), 100)
    decided(folder, [replace(each, category=chance.choice(list(MATTERS))) for each in told])  # anything of anything
    trained = hotline(folder, "triage", "train", code=1).stdout
    assert "version 1: did not pass" in trained and "judged by 20 decisions of 2026-11-22" in trained
    assert "of 20 decisions; 40% at least are needed" in trained
    assert "did not pass: right on" in hotline(folder, "triage", "promote", "1", code=1).stderr


async def test_a_fit_in_a_process_of_its_own_is_the_same_fit() -> None:
    labels = [
        LabelledText(fold_text(t.text), t.category, t.kind, 1.0, True, t.by, f"{t.at:%j}", t.department, 1.0)
        for t in some(3, NOON, 120)
    ]
    task = FitTask(labels, [("路灯", "wx-light")], ["路灯不亮"])
    assert decode_task(encode_task(task)) == task
    here, apart = fit(task), await fit_apart(task)
    assert decode_result(encode_result(here)) == here
    assert (apart.heads, apart.gate, apart.fitted_on) == (here.heads, here.gate, here.fitted_on)
    assert [p.guess for p in apart.predictions] == [p.guess for p in here.predictions]


async def test_a_fit_that_fails_says_why() -> None:
    one = [LabelledText("a", "c", "request", 1.0, True, "d", "1")] * 20
    with pytest.raises(RuntimeError, match="two categories"):
        await fit_apart(FitTask(one))
