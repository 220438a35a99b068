"""What the doctor says of keys, passwords, second factors, calendar tokens, sealing and verification, and what to do."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.audit.verification import Verified, verified_event
from hotline.database.sealing_rows import seal_all
from hotline.database.tables import sealing_progress
from hotline.locales import LANGUAGES, translate
from hotline.oidc.tables import identity
from hotline.operations.doctor import run_checks
from hotline.operations.findings import Finding
from hotline.organisation import tables
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import ActorCache, NewKey, NewPerson, add_key, add_person
from hotline.organisation.service.key_rotation import KeyRotation, rotate_key
from hotline.organisation.service.person_changes import PersonUpdate, change_person
from hotline.organisation.store import sessions
from hotline.security_log.store import record_deed
from hotline.tickets.context import Services
from tests.conftest import Clock

PASSWORD = "seven grey herons wade"
MACHINE = Grant(frozenset({Role.GATEWAY}))


async def said(services: Services, clock: Clock, check: str) -> list[Finding]:
    return [finding for finding in await run_checks(services, clock()) if finding.check == check]


async def warning(services: Services, clock: Clock, check: str) -> str:
    [finding] = await said(services, clock, check)
    assert finding.warns and not finding.wrong and finding.says_zh != finding.says
    return finding.says


async def add(services: Services, clock: Clock, login: str, role: Role, *, first: bool = False) -> dict[str, Any]:
    new = NewPerson(login, login, PASSWORD, Grant(frozenset({role})), is_first=first)
    made = await add_person(services, new, clock())
    assert isinstance(made, dict)
    return made


async def put(services: Services, table: sa.Table, **row: Any) -> None:
    await services.db.transact(lambda c: c.execute(sa.insert(table).values(**row)))


async def test_keys_about_to_end_or_unused_are_named_with_what_to_do(services: Services, clock: Clock) -> None:
    soon = await add_key(services, NewKey("pbx", MACHINE, clock() + timedelta(days=120)), "test", clock())
    used = await add_key(services, NewKey("city", MACHINE), "test", clock())
    assert [f.warns for f in await said(services, clock, "keys")] == [False]
    clock.forward(days=89)
    assert [f.warns for f in await said(services, clock, "keys")] == [False]
    clock.forward(days=2)
    await services.db.transact(lambda c: sessions.write_last_use(c, [], [(used["id"], clock())]))
    ending, unused = await said(services, clock, "keys")
    assert f"pbx ({soon['id']})" in ending.says and "hotline key rotate" in ending.says and "30" in ending.says_zh
    assert "pbx" in unused.says and "city" not in unused.says and ending.warns and unused.warns
    await rotate_key(services, KeyRotation(soon["id"]), "test", clock())
    [unused] = await said(services, clock, "keys")  # it still ends soon, and is replaced
    assert "90 days" in unused.says
    clock.forward(days=2)  # the old one has ended by now
    assert [f.warns for f in await said(services, clock, "keys")] == [False]


async def test_first_passwords_that_ran_out_are_named_until_reset_or_closed(services: Services, clock: Clock) -> None:
    await add(services, clock, "chen", Role.OPERATOR)
    new = await add(services, clock, "newcomer", Role.OPERATOR, first=True)
    clock.forward(days=6)
    assert [f.warns for f in await said(services, clock, "passwords")] == [False]
    clock.forward(days=1)
    told = await warning(services, clock, "passwords")
    assert "newcomer" in told and "chen" not in told and "hotline user reset" in told
    await change_person(services, ActorCache(), PersonUpdate(new["id"], 1, {"active": False}), clock())
    assert [f.warns for f in await said(services, clock, "passwords")] == [False]


async def test_administrators_and_supervisors_without_a_second_factor_are_named(
    services: Services, clock: Clock
) -> None:
    boss, _ = await add(services, clock, "boss", Role.ADMIN), await add(services, clock, "desk", Role.OPERATOR)
    guest = await add(services, clock, "guest", Role.ADMIN)
    await put(
        services, identity, issuer="https://id.example", subject="1", person=guest["id"], created_at=clock(), last_at=clock(),
    )  # fmt: skip
    told = await warning(services, clock, "factors")
    assert "boss" in told and "HOTLINE_SECOND_FACTOR_REQUIRED" in told and "/console/account" in told
    assert "guest" not in told and "desk" not in told
    services.second_factor_required = frozenset({Role.ADMIN})
    assert "requires a second factor have none: boss" in await warning(services, clock, "factors")
    await put(
        services, tables.second_factor, id="f", person=boss["id"], kind="passkey", name="x", credential="x",
        public_key=b"x", counter=0, created_at=clock(), confirmed_at=clock(),
    )  # fmt: skip
    assert [f.warns for f in await said(services, clock, "factors")] == [False]


async def test_unused_calendar_tokens_unfinished_sealing_and_an_old_verification_are_told(
    services: Services, clock: Clock
) -> None:
    feed = {"department": "water", "hash": "x" * 64, "created_at": clock(), "created_by": "test"}
    await seal_all(services.db)
    await put(services, tables.feed_token, id="a", name="值班室电脑", **feed)
    await put(services, tables.feed_token, id="b", name="gone", revoked_at=clock(), **feed)
    await services.db.transact(lambda c: record_deed(c, verified_event(Verified(), clock())))
    checks = ("feeds", "sealing", "verified")
    assert [[f.warns for f in await said(services, clock, check)] for check in checks] == [[False]] * 3
    await put(services, sealing_progress, name="caller", after=[])
    assert "caller" in (told := await warning(services, clock, "sealing")) and "hotline migrate" in told
    clock.forward(days=91)
    told = await warning(services, clock, "feeds")
    assert "water: 值班室电脑" in told and "gone" not in told
    assert "91 days" in (told := await warning(services, clock, "verified")) and "hotline audit verify" in told
    await services.db.transact(lambda c: record_deed(c, verified_event(Verified(), clock())))
    assert [f.warns for f in await said(services, clock, "verified")] == [False]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_finding_is_told_in_the_language(language: str) -> None:
    values = {"days": 1, "which": "x", "count": 1}
    for key in ("keys.ending", "keys.unused", "passwords.expired", "factors.advised", "feeds.unused", "sealing.waits"):
        told = translate(f"doctor.{key}", language, **values)
        assert told != f"doctor.{key}" and any("\u4e00" <= c <= "\u9fff" for c in told) is (language != "en")
