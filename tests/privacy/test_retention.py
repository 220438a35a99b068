"""How long each kind of data is kept is data: chosen, counted and carried out."""

from typing import Any

import pytest
import sqlalchemy as sa

from hotline.audit.verification import Verified, verify
from hotline.delivery.channels import DeliveryChannels
from hotline.locales import translate
from hotline.organisation.model.actors import COMMAND_LINE
from hotline.organisation.tables import feed_token
from hotline.privacy.erasing import delete_files
from hotline.privacy.retention_commands import FIXED
from hotline.runtime.jobs import WorkerContext
from hotline.runtime.personal_nouns import PersonalNouns
from hotline.runtime.retention import RetentionRules, count_due, delete_period, retention_job, tidy, write_period
from hotline.security_log.store import LogFilter, load_page
from hotline.security_log.vocabulary import Deed
from hotline.sms.tables import text_out
from hotline.text.personal import ERASED_TEXT
from hotline.tickets.context import Services
from hotline.tickets.routes import attachments
from hotline.tickets.tables import attachment, call, caller
from tests.conftest import Cast, Clock, Player
from tests.privacy import test_erasure
from tests.privacy.test_erasure import everything, figures, where
from tests.tickets.test_attachments import PNG, _send

lived, town = test_erasure.lived, test_erasure.town  # the fixtures


async def choose(services: Services, clock: Clock, **days: int | None) -> None:
    for noun, chosen in days.items():
        await services.db.transact(lambda c, n=noun, d=chosen: write_period(c, n, d, COMMAND_LINE.id, clock()))


async def rows(services: Services, table: sa.Table) -> int:
    return await services.db.snapshot(lambda c: c.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


async def tidied(services: Services, clock: Clock) -> None:
    done = {"tickets": 1}
    while done["tickets"]:
        done = await tidy(services, clock())


async def test_ended_tickets_lose_what_is_personal_when_it_is_chosen_so_and_figures_stay(
    lived: dict[str, str],
    desk: Player,
    cast: Cast,
    services: Services,
    clock: Clock,
) -> None:
    before = await figures(cast, services, clock)
    ended, opened = await rows(services, caller), await desk.call("8栋门禁坏了", caller={"phone": "13900139000"})
    clock.forward(days=181)
    none = await count_due(services, clock())
    assert [none[noun] for noun in ("tickets", "attachments", "callers", "calls")] == [0, 0, 0, 0]
    await choose(services, clock, tickets=180, attachments=180, callers=180, calls=180)
    due = await count_due(services, clock())
    assert (due["tickets"] >= 4, due["attachments"], due["callers"], due["calls"]) == (True, 1, ended - 1, 2)
    assert await count_due(services, clock()) == due, "counting changes nothing"
    await tidied(services, clock)
    left = await count_due(services, clock())
    assert {noun: count for noun, count in left.items() if count} == {}
    assert [place for place in where(await everything(services)) if not place.startswith("stop_list")] == []
    assert [p for p in services.files.rglob("*") if p.is_file()] == [] and await rows(services, attachment) == 0
    assert (await desk.see(lived["shared"]))["narrative"] == ERASED_TEXT
    assert (await desk.see(opened))["narrative"] == "8栋门禁坏了"
    told = await services.db.snapshot(lambda c: c.execute(sa.select(call.c.narrative)).scalars().all())
    assert set(told) == {ERASED_TEXT, "8栋门禁坏了"}
    found = await services.db.snapshot(lambda c: verify(c, services.secret))
    assert isinstance(found, Verified) and found.redactions >= 4
    assert before  # the day lies behind what the figures show by default


async def test_a_period_that_is_chosen_is_gone_by_until_it_is_taken_back(
    lived: dict[str, str],
    services: Services,
    clock: Clock,
) -> None:
    texts = await rows(services, text_out)
    assert texts > 0
    await choose(services, clock, texts=None)
    clock.forward(days=2000)
    assert (await count_due(services, clock()))["texts"] == 0 and (await tidy(services, clock()))["texts"] == 0
    await services.db.transact(lambda c: delete_period(c, "texts"))
    assert (await count_due(services, clock()))["texts"] == texts
    assert (await tidy(services, clock()))["texts"] == texts and await rows(services, text_out) == 0


async def test_every_period_and_every_noun_is_told_in_plain_words(services: Services) -> None:
    rules = [rule for rule in services.part(RetentionRules).rules if rule.period is not None]
    keys = [f"retention.{rule.name}" for rule in rules] + [f"retention.fixed.{name}" for name in FIXED]
    keys += [rule.period.minimum_why for rule in rules if rule.period.minimum_why]
    keys += [f"privacy.{noun.noun}" for noun in services.part(PersonalNouns).nouns]
    for key in keys:
        assert all(translate(key, language) for language in ("zh-Hans", "zh-Hant", "en"))
    assert all(rule.count is not None for rule in rules)
    declared = {rule.name for rule in rules}
    named = {noun.retention for noun in services.part(PersonalNouns).nouns if noun.retention}
    assert named <= declared
    days: Any = {rule.name: rule.period.days for rule in rules}
    assert days == {
        "answers": 3, "events": 30, "calls": None, "tries": 180, "texts": 180, "inbound": 180, "repeat_search": 90,
        "exports": 7, "stream": 7, "feed_tokens": 365, "tickets": None, "attachments": None, "callers": None,
    }  # fmt: skip


@pytest.mark.parametrize("noun", ["texts", "inbound", "tries"])
async def test_what_the_law_asks_for_is_the_least(services: Services, noun: str) -> None:
    [rule] = [rule for rule in services.part(RetentionRules).rules if rule.name == noun]
    assert rule.period is not None and rule.period.minimum == 150


async def test_what_the_worker_deletes_is_told_at_once_and_then_once_an_hour(
    services: Services, cast: Cast, clock: Clock
) -> None:
    boss, path = (await cast("boss")).http, "/v1/departments/water/duty/feeds"
    worker = WorkerContext(services, DeliveryChannels())
    job = retention_job(worker, [])

    async def revoked(minutes: int) -> None:
        clock.forward(minutes=minutes)
        made = (await boss.post(path, json={"name": "日历"})).json()
        assert (await boss.delete(f"{path}/{made['id']}")).status_code == 204

    async def told() -> list[dict[str, int]]:
        await job.step()
        wanted = LogFilter(None, None, Deed.RETENTION_APPLIED, None, None)
        return [row.details["feed_tokens"] for row in await load_page(services.db, wanted, None, 10)]

    for minutes in (0, 10, 20, 80):
        await revoked(minutes)
    assert await rows(services, feed_token) == 4 and await told() == []
    clock.forward(days=364, hours=22, minutes=11)
    assert await told() == [1]
    clock.forward(minutes=10)
    assert await told() == [1] and await rows(services, feed_token) == 2
    clock.forward(minutes=20)
    assert await told() == [1] and await rows(services, feed_token) == 1
    clock.forward(minutes=80)
    assert await told() == [3, 1] and await rows(services, feed_token) == 0


@pytest.mark.parametrize("committed", ["before the second look", "after it"])
async def test_a_file_that_is_attached_anew_while_its_last_row_goes_keeps_its_bytes(
    committed: str, lift_ticket: dict[str, Any], desk: Player, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, folder = lift_ticket["number"], services.files
    assert (await _send(desk, number, PNG)).status_code == 201
    last: set[str] = set()

    def delete_rows(c: sa.Connection) -> None:
        last.update(c.execute(sa.select(attachment.c.sha256)).scalars())
        c.execute(sa.delete(attachment))

    if committed == "after it":  # the deletion comes between the bytes and their row
        plain = attachments.attach

        async def late(*given: Any) -> Any:
            await services.db.transact(delete_rows)
            await delete_files(services, last)
            assert not any(path.is_file() for path in folder.rglob("*"))
            return await plain(*given)

        monkeypatch.setattr(attachments, "attach", late)
        assert (await _send(desk, number, PNG)).status_code == 201
    else:  # the row comes between the end of the last one and the end of the bytes
        await services.db.transact(delete_rows)
        assert (await _send(desk, number, PNG)).status_code == 201
        await delete_files(services, last)
    [file] = (await desk.get(f"/v1/tickets/{number}/attachments")).json()["items"]
    assert (await desk.get(f"/v1/tickets/{number}/attachments/{file['id']}")).content == PNG

    aside = folder / "deleted" / "ab"  # a deletion that was broken off between its two halves
    aside.write_bytes(b"of nobody")
    await services.db.transact(delete_rows)
    await delete_files(services, last)
    assert [path for path in folder.rglob("*") if path.is_file()] == []
