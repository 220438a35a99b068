"""A person asks what is held of them, and to be erased: nothing of them is found any more, the figures are what they
were, and history is still proven."""

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from hotline.audit.checkpoints import make_checkpoint
from hotline.audit.verification import ChainFault, Verified, verify
from hotline.database.metadata import metadata
from hotline.database.sealing_rows import sealed_tables
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.organisation.model.actors import COMMAND_LINE
from hotline.privacy.erasing import erase_person, plan_erasure
from hotline.privacy.exporting import export_person, write_export
from hotline.privacy.store import load_subject
from hotline.refusals import Refused
from hotline.reporting.service.figures import load_rollup_drift, update_rollups
from hotline.runtime.personal_nouns import PersonalNouns
from hotline.security_log.store import LogFilter, load_page
from hotline.security_log.tables import redaction, security_log
from hotline.sms import store as sms_store
from hotline.text.personal import ERASED_TEXT
from hotline.text.phones import caller_id
from hotline.tickets.context import Services
from hotline.tickets.store.counters import load_counter_drift
from hotline.tickets.tables import ticket, timeline
from tests.conftest import LIFT, SEALING, Cast, Clock, Player, keep_first_passwords
from tests.sms.conftest import town as town_fixture
from tests.sms.town import Town
from tests.tickets.test_attachments import PNG, _send

PHONE, NAME = "13770001234", "欧阳翠翘"
E164 = f"+86{PHONE}"
NEIGHBOUR = {"phone": "13900139000", "name": "李建国"}
THEIRS = {"phone": PHONE, "name": NAME, "contact": f"微信{NAME}2077"}
town = town_fixture


class _TakeBack(Exception):
    pass


@pytest.fixture
async def lived(
    desk: Player, lifts: Player, cast: Cast, town: Town, services: Services, clock: Clock
) -> dict[str, str]:
    """What somebody leaves behind in a month; all of it has ended. The numbers of the tickets."""
    switch = await cast("switch")
    token = "a-token-the-exchange-has"
    await create_gateway(
        services.gateways, NewGateway("cti", "cti", {}, {"token": [token]}, sends=False, weight=50), "test", clock()
    )
    place = {"area": "rq-g1", "address": f"3栋2单元1203 {NAME}家", "lat": 30.5, "lon": 104.1}
    told = {"channel": "phone", "narrative": f"{LIFT}，我是{NAME}，电话{PHONE[:3]}-{PHONE[3:7]}-{PHONE[7:]}"}
    body = {**told, "caller": THEIRS, "category": "dt-fault", "location": place}
    whole = (await desk.post("/v1/calls", body, headers={"idempotency-key": "told"})).json()["ticket"]
    assert (await _send(desk, whole["number"], PNG)).status_code == 201
    await desk.act(await desk.see(whole), "comment", text=f"{NAME}留了{PHONE}，{NAME}在家")
    await desk.act(await desk.see(whole), "amend", address=f"4栋 {NAME}", reason=f"{NAME}更正")
    held = await lifts.order(await lifts.see(whole), "accept")
    reply = f"已告知{NAME}"
    await lifts.order(held, "report", internal_result=f"找过{NAME}", public_reply=reply, solved=True)
    await switch.order(await switch.see(whole), "accept_report")
    await desk.act(await desk.see(whole), "confirm", satisfaction="satisfied", text=f"{NAME}满意")

    shared = await desk.call("5栋路灯不亮", caller=NEIGHBOUR)
    await desk.call(f"{NAME}也说5栋黑", caller=THEIRS, attach_to=shared["number"])
    opened = await desk.call("6栋水管爆了，家里被淹", caller=THEIRS)
    await desk.call("邻居也说6栋漏水", caller=NEIGHBOUR, attach_to=opened["number"])
    named = await desk.call(f"噪音，是{PHONE}那家", caller=NEIGHBOUR)
    for each in (shared, opened, named):
        await desk.act(await desk.see(each), "withdraw", reason="已处理")
    await town.writes(f"7栋停水，我是{NAME}", E164)
    await town.writes("TD", E164)
    for event in ({"event": "newCall"}, {"event": "hangup", "cause": "16"}):
        said = {"callId": "x-1", "from": f"86{PHONE}", "to": "12345", "direction": "in",
                "timestamp": clock().timestamp(), **event}  # fmt: skip
        await town.http.post(f"/v1/hooks/voice/cti?token={token}", json=said)
    await town.work()
    await town.send()
    for each in (await desk.post("/v1/search", {"q": PHONE})).json()["items"]:
        if each["status"] in ("received", "triaged", "dispatched"):
            await desk.act(await desk.see(each), "withdraw", reason=f"{NAME}您好，已通知水司")
    await town.send()
    await update_rollups(services, clock())
    return {"whole": whole["number"], "shared": shared["number"], "opened": opened["number"], "named": named["number"]}


async def subject_of(services: Services) -> Any:
    identity = caller_id(E164, services.secret)
    return await services.db.snapshot(lambda c: load_subject(c, identity, E164, str(uuid4())))


async def everything(services: Services) -> Mapping[str, str]:
    """All that stands in the tables, unsealed, and what the search is asked by: by table and column."""

    def read(c: sa.Connection) -> dict[str, str]:
        found = {
            f"{t.name}.{column}": str([row._mapping[column] for row in rows])
            for t in metadata.sorted_tables
            if (rows := c.execute(sa.select(*t.c)).all())
            for column in t.c.keys()  # noqa: SIM118
        }
        return {**found, "ticket_words": str(c.exec_driver_sql("SELECT * FROM ticket_words").all())}

    return await services.db.snapshot(read)


def where(stands: Mapping[str, str]) -> list[str]:
    """Where the person is found: by name, number in any form, or what the search knows the number by."""
    forms = (NAME, PHONE, E164, f"{PHONE[:3]}-{PHONE[3:7]}-{PHONE[7:]}", SEALING.token(PHONE), "翘2077")
    return [place for place, text in stands.items() if any(form in text for form in forms)]


async def audited(services: Services) -> ChainFault | Verified:
    return await services.db.snapshot(lambda c: verify(c, services.secret))


async def figures(cast: Cast, services: Services, clock: Clock) -> list[Any]:
    """The figures of the day, counted from the tables anew and as they are kept, and the counters."""
    watch = await cast("watch")
    await update_rollups(services, clock())
    assert await load_rollup_drift(services, clock()) == {}
    assert await load_counter_drift(services.db) == {}
    by = ({}, {"category": "dt-fault"}, {"area": "rq-g1"}, {"channel": "phone"}, {"channel": "sms"})
    return [(await watch.get("/v1/figures", params=query)).json()["groups"] for query in by]


async def test_who_is_erased_is_found_nowhere_and_figures_and_proof_stay(
    lived: dict[str, str], desk: Player, cast: Cast, services: Services, clock: Clock
) -> None:
    clock.forward(minutes=5)
    await services.db.transact(lambda c: make_checkpoint(c, services.secret, clock(), timedelta(0)))
    before, stood = await figures(cast, services, clock), await everything(services)
    declared = {noun.table.name for noun in services.part(PersonalNouns).nouns}
    held = {place.partition(".")[0] for place in where(stood)}
    assert len(held) >= 12 and held <= declared | {"ticket_words"}, "the control: the person is in all these tables"
    subject = await subject_of(services)
    assert lived["whole"] in subject.whole and subject.opened == (lived["opened"],)
    assert set(subject.joined) == {lived["shared"], lived["named"]}

    planned = await plan_erasure(services, subject)
    assert planned.open == () and await everything(services) == stood, "a plan changes nothing"
    assert {"contacts", "attachments", "texts_sent", "texts_received", "answers", "opt_outs"} <= planned.rows.keys()
    done = await erase_person(services, subject, clock(), COMMAND_LINE)
    assert {noun: done[noun] for noun in planned.rows} == planned.rows

    assert where(await everything(services)) == []
    assert [p for p in services.files.rglob("*") if p.is_file()] == []
    assert await figures(cast, services, clock) == before
    assert isinstance(await audited(services), Verified)
    unknown = (await desk.post("/v1/callers/lookup", {"phone": PHONE})).json()
    assert (unknown["match"], unknown["open"], unknown["history"]) == ("unknown", [], [])
    shown = await desk.see(lived["whole"])
    assert (shown["title"], shown["narrative"], shown["caller"]) == (ERASED_TEXT, ERASED_TEXT, None)
    assert (shown["category"]["code"], shown["result"]["satisfaction"]["final"]) == ("dt-fault", "satisfied")
    lines = (await desk.get(f"/v1/tickets/{lived['whole']}/timeline")).json()["items"]
    assert lines[-1]["action"] == "erase" and "erased on request" in lines[-1]["reason"]
    # what others told stays theirs
    shared, opened = await desk.see(lived["shared"]), await desk.see(lived["opened"])
    assert (shared["narrative"], shared["caller"]["name"]) == ("5栋路灯不亮", NEIGHBOUR["name"])
    assert opened["narrative"] == ERASED_TEXT
    calls = (await desk.get(f"/v1/tickets/{lived['opened']}/calls")).json()["items"]
    assert {c["narrative"] for c in calls} == {ERASED_TEXT, "邻居也说6栋漏水"}
    assert (await desk.see(lived["named"]))["narrative"] == f"噪音，是{ERASED_TEXT}那家"
    # the request repeated under its key makes no second ticket, and tells nothing of them
    told = {"channel": "phone", "narrative": "x"}
    assert (await desk.post("/v1/calls", told, headers={"idempotency-key": "told"})).status_code == 422
    # no text goes to the number, until it asks for them
    checks = await sms_store.load_send_checks(services.db, "none", E164, clock(), clock())
    assert checks.stopped == 1
    await services.db.transact(lambda c: sms_store.remove_from_stop_list(c, E164))
    assert (await sms_store.load_send_checks(services.db, "none", E164, clock(), clock())).stopped == 0
    deed = sa.select(security_log.c.details).where(security_log.c.deed == "privacy_erased")
    assert (await services.db.snapshot(lambda c: c.execute(deed).scalar_one()))["attachments"] == 1
    # asked again, there is nobody
    again = await plan_erasure(services, await subject_of(services))
    assert again.rows == {} and not any(again.tickets.values())


async def test_a_line_changed_without_its_redaction_is_found_and_so_is_a_forged_one(
    lived: dict[str, str], services: Services, clock: Clock
) -> None:
    await erase_person(services, await subject_of(services), clock(), COMMAND_LINE)
    number = lived["whole"]
    at = (timeline.c.number == number, timeline.c.seq == 1)
    rows = await services.db.snapshot(
        lambda c: c.execute(sa.select(*redaction.c).order_by(redaction.c.position)).mappings().all()
    )
    last = dict(rows[-1])
    mine = next(dict(row) for row in rows if row["ticket"] == number)
    forged = {**last, "position": last["position"] + 1, "ticket": number}
    changes: dict[str, Any] = {
        "removed": lambda c: c.execute(sa.update(timeline).where(*at).values(reason=None, changes={})),
        "restored": lambda c: c.execute(sa.update(timeline).where(*at).values(reason="wrong words")),
        "forged": lambda c: c.execute(sa.insert(redaction), forged),
        "unsigned": lambda c: c.execute(
            sa.update(redaction).where(redaction.c.position == mine["position"]).values(by_id="somebody else")
        ),
        "gone": lambda c: c.execute(sa.delete(redaction).where(redaction.c.position == last["position"])),
        "of another": lambda c: c.execute(
            sa.update(redaction).where(redaction.c.position == mine["position"]).values(ticket=lived["shared"])
        ),
        "its line gone": lambda c: c.execute(sa.delete(timeline).where(*at)),
        "the ticket": lambda c: c.execute(sa.update(ticket).where(ticket.c.number == number).values(title="other")),
    }
    found = {}
    for name, change in changes.items():

        def look(c: sa.Connection, name: str = name, change: Any = change) -> None:
            change(c)
            found[name] = verify(c, services.secret)
            raise _TakeBack

        with pytest.raises(_TakeBack):
            await services.db.transact(look)
    assert [name for name, fault in found.items() if not isinstance(fault, ChainFault)] == []
    assert isinstance(await audited(services), Verified)


async def test_whose_matter_is_open_is_not_erased_unless_it_is_asked_for(
    desk: Player, lift_ticket: dict[str, Any], services: Services, clock: Clock
) -> None:
    phone = "+8613800138000"
    identity = caller_id(phone, services.secret)
    subject = await services.db.snapshot(lambda c: load_subject(c, identity, phone, str(uuid4())))
    with pytest.raises(Refused) as refused:
        await erase_person(services, subject, clock(), COMMAND_LINE)
    assert refused.value.refusal.errors == (("open", lift_ticket["number"]),)
    assert (await desk.see(lift_ticket))["narrative"] == LIFT
    await erase_person(services, subject, clock(), COMMAND_LINE, also_open=True)
    shown = await desk.see(lift_ticket)
    assert (shown["narrative"], shown["status"], shown["caller"]) == (ERASED_TEXT, "dispatched", None)
    assert isinstance(await audited(services), Verified)


async def test_a_person_gets_all_that_is_theirs_and_nothing_of_others(
    lived: dict[str, str], services: Services, clock: Clock, tmp_path: Path
) -> None:
    subject = await subject_of(services)
    export = await export_person(services, subject, clock(), COMMAND_LINE)
    write_export(export, tmp_path / "person.zip")
    with zipfile.ZipFile(tmp_path / "person.zip") as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    held = {noun["noun"]: noun for noun in json.loads(files["person.json"])["held"]}
    assert {noun for noun, told in held.items() if told["rows"]} == {
        "tickets", "timelines", "contacts", "attachments", "callers", "texts_sent", "texts_received", "opt_outs",
        "calls", "return_calls",
    }  # fmt: skip
    assert held["callers"]["rows"][0]["phone"] == E164
    received = held["texts_received"]
    assert "180" in received["kept"]["en"] and received["rows"][0]["kept_until"].startswith("2027-05-24")
    [picture] = [name for name in files if name.startswith("attachments/")]
    assert files[picture] == PNG and picture.endswith(".png")
    texts = [text.decode() for name, text in files.items() if name.startswith("person.")]
    for text in texts:
        assert NAME in text and PHONE in text and "也说5栋黑" in text
        assert NEIGHBOUR["name"] not in text and NEIGHBOUR["phone"] not in text and "邻居也说" not in text
    assert (tmp_path / "person.zip").stat().st_mode & 0o077 == 0


def test_every_table_with_personal_data_is_declared() -> None:
    """A new sealed column belongs to a noun that is exported and erased."""
    from hotline.capabilities import CAPABILITIES

    declared = {noun.table.name for each in CAPABILITIES for noun in each.personal()}
    assert {t.name for t in sealed_tables()} <= declared


async def test_an_administrator_exports_and_erases_over_http_soon_after_a_log_in(
    lived: dict[str, str], cast: Cast, services: Services, clock: Clock
) -> None:
    boss, http = await cast("boss"), (await cast("boss")).http
    given = {"login": "privacy", "name": "隐私专员", "password": "a long sentence 9", "roles": ["admin"]}
    assert (await boss.post("/v1/people", given)).status_code == 201
    await keep_first_passwords(services)

    async def token() -> dict[str, str]:
        logged_in = await http.post("/v1/token", json={"login": "privacy", "password": given["password"]})
        return {"authorization": f"Bearer {logged_in.json()['token']}"}

    body, old = {"person": PHONE}, await token()
    clock.forward(minutes=16)
    for path in ("export", "erase"):
        assert (await http.post(f"/v1/privacy/{path}", json=body, headers=old)).status_code == 401
    narrow = (await boss.post("/v1/keys", {"name": "n", "roles": ["admin"], "area": "rq-g1"})).json()["secret"]
    for who, status in ((narrow, 403), (None, 200)):
        headers = {"authorization": f"Bearer {who}"} if who else await token()
        assert (await http.post("/v1/privacy/export", json=body, headers=headers)).status_code == status
    new = await token()
    wrong = await http.post("/v1/privacy/export", json={"person": "somebody"}, headers=new)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "person")
    sent = await http.post("/v1/privacy/export", json=body, headers=new)
    assert sent.headers["content-type"] == "application/zip" and sent.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(sent.content)) as packed:
        assert json.loads(packed.read("person.json"))["phone"] == E164
        assert [packed.read(name) for name in packed.namelist() if name.startswith("attachments/")] == [PNG]

    stood = await everything(services)
    plan = (await http.post("/v1/privacy/erase", json=body, headers=new)).json()
    assert plan["erased"] is False and plan["rows"]["attachments"] == 1 and lived["whole"] in plan["tickets"]["whole"]
    of_people = ("ticket.", "timeline.", "call.", "caller.", "attachment.", "text_out.", "inbound.", "voice_call.")
    now = await everything(services)
    assert [place for place in stood if place.startswith(of_people) and now[place] != stood[place]] == []
    once = {**new, "idempotency-key": "erase"}
    done = await http.post("/v1/privacy/erase", json={**body, "erase": True}, headers=once)
    assert (done.status_code, done.json()["erased"], done.json()["rows"]["attachments"]) == (200, True, 1)
    again = await http.post("/v1/privacy/erase", json={**body, "erase": True}, headers=once)
    assert (again.content, again.headers["idempotency-replayed"]) == (done.content, "true")
    assert [place for place in where(await everything(services)) if not place.startswith("stop_list")] == []
    assert isinstance(await audited(services), Verified)
    rows = await load_page(services.db, LogFilter(None, None, None, None, None), None, 20)
    told = [(row.deed, row.by_name, row.outcome) for row in rows if row.deed.startswith("privacy_")]
    assert told == [("privacy_erased", "隐私专员", "done"), *[("privacy_exported", "隐私专员", "done")] * 2]
    assert PHONE[-8:] not in str([row.details for row in rows])
