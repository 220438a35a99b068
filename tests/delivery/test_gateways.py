"""Gateways as an administrator sets them up: what cannot be right is said at once, and a new one is known at once."""

from typing import Any

import pytest

from hotline.database.engine import DatabaseUnavailable
from hotline.delivery import gateway_store
from hotline.delivery.gateways import (
    GatewayCache,
    GatewayChange,
    NewGateway,
    change_gateway,
    create_gateway,
    delete_gateway,
)
from hotline.delivery.model import GatewayKind
from hotline.organisation.model.actors import COMMAND_LINE
from hotline.refusals import Refused
from hotline.secrets.secret_box import seal
from hotline.security_log.store import LogFilter, load_page
from hotline.tickets.context import Services
from tests.conftest import Clock, on_one_database

KEY = "whsec_" + "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo="


async def put(services: Services, clock: Clock, provider: str = "kannel", name: str = "g", **how: Any) -> None:
    settings = how.pop("settings", {})
    secrets = how.pop("secrets", {"token": ["a-token-of-enough-characters"]})
    await create_gateway(
        services.gateways,
        NewGateway(name, provider, settings, secrets, sends=how.pop("sends", False), weight=50),
        "test",
        clock(),
    )


@pytest.mark.parametrize(
    ("provider", "how", "field"),
    [
        ("cti", {"settings": {"agents": ["li.min"]}}, "settings.agents"),
        ("cti", {"settings": {"agents": {"101": 5}}}, "settings.agents"),
        ("cti", {"settings": {"retention_days": "soon"}}, "settings.retention_days"),
        ("kannel", {"settings": {"addresses": "10.0.0.1"}}, "settings.addresses"),
        ("kannel", {"settings": {"addresses": ["10.0.0"]}}, "settings.addresses"),
        ("kannel", {"settings": {"numbers": ["12345"]}}, "settings.numbers"),
        ("kannel", {"settings": {"numbers": {"12345": 7}}}, "settings.numbers"),
        ("kannel", {"settings": {"url": "kannel:13013"}}, "settings.url"),
        ("kannel", {"settings": {"url": "http://[::1"}}, "settings.url"),
        ("cti", {"settings": {"agnts": {"101": "li.min"}}}, "settings.agnts"),
        ("kannel", {"settings": {"zone": "Mars/Olympus"}}, "settings.zone"),
        ("kannel", {"settings": {"templates": "SMS_1"}}, "settings.templates"),
        ("kannel", {"settings": {"topics": ["arn"]}}, "settings.topics"),
        ("cti", {"settings": {"longest_wait_minutes": "0"}}, "settings.longest_wait_minutes"),
        ("cti", {"settings": {"longest_talk_minutes": "10081"}}, "settings.longest_talk_minutes"),
        ("threecx", {"settings": {"date_order": "dym"}}, "settings.date_order"),
        (
            "vonage",
            {"settings": {"signature_method": "rot13"}, "secrets": {"signature_secret": ["s"]}},
            "settings.signature_method",
        ),
        ("aws", {"settings": {"topics": []}, "secrets": {}}, "settings.topics"),
        ("kannel", {"secrets": {"token": ["short"]}}, "secrets.token"),
        ("kannel", {"secrets": {"token": ["a-token-of-enough-characters"], "pasword": ["pw"]}}, "secrets"),
        ("cti", {"sends": True}, "sends"),
        ("generic", {"secrets": {"secret": ["a plain sentence of enough letters"]}}, "secrets.secret"),
        ("generic", {"secrets": {"secret": ["whsec_abcd"]}}, "secrets.secret"),
        ("hotline_12345", {"secrets": {"secret": ["whsec_!!!"]}}, "secrets.secret"),
    ],
)
@on_one_database
async def test_what_cannot_be_right_is_named(
    provider: str, how: dict[str, Any], field: str, services: Services, clock: Clock
) -> None:
    with pytest.raises(Refused) as refused:
        await put(services, clock, provider, **how)
    assert [name for name, _ in refused.value.refusal.errors] == [field]
    assert await services.gateways.now(clock()) == {}


async def test_a_gateway_added_by_another_process_is_known_at_its_first_push(services: Services, clock: Clock) -> None:
    server = GatewayCache(services.db, services.secret, "http://hotline")
    assert await server.now(clock()) == {}
    clock.forward(milliseconds=200)
    await put(services, clock, "generic", secrets={"secret": [KEY]})
    assert (await server.named("g", GatewayKind.SMS, clock())).name == "g"


async def test_names_that_are_not_there_do_not_ask_the_database_each_time(
    services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotline.delivery import gateway_store

    asked = 0
    every = gateway_store.load_gateways

    async def counted(db: Any) -> Any:
        nonlocal asked
        asked += 1
        return await every(db)

    monkeypatch.setattr("hotline.delivery.gateway_store.load_gateways", counted)
    server = GatewayCache(services.db, services.secret, "http://hotline")
    for _ in range(100):
        with pytest.raises(Refused):
            await server.named("nobody", GatewayKind.SMS, clock())
    assert asked == 1


async def test_a_push_to_nobody_takes_no_known_gateway_away_while_the_database_is_gone(
    services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(services, clock)
    server = GatewayCache(services.db, services.secret, "http://hotline")
    assert set(await server.now(clock())) == {"g"}

    async def away(db: Any) -> Any:
        raise DatabaseUnavailable("the database does not answer")

    monkeypatch.setattr("hotline.delivery.gateway_store.load_gateways", away)
    clock.forward(seconds=5)
    with pytest.raises(Refused):
        await server.named("nobody", GatewayKind.SMS, clock())
    assert (await server.named("g", GatewayKind.SMS, clock())).name == "g"
    server.forget()  # somebody changed one a moment before the database went
    assert (await server.named("g", GatewayKind.SMS, clock())).name == "g"


async def test_a_secret_that_is_not_there_cannot_be_dropped(services: Services, clock: Clock) -> None:
    await put(services, clock)
    with pytest.raises(Refused) as refused:
        await change_gateway(services.gateways, "g", GatewayChange(drop={"token": ["mistyped"]}, new={"token": ["another-token-of-enough-characters"]}), clock())  # fmt: skip
    assert refused.value.refusal.errors[0][0] == "secrets.token"
    assert len((await services.gateways.now(clock()))["g"].account.secret_values("token")) == 1


async def test_a_gateway_kept_by_an_older_version_goes_on_and_can_be_changed(services: Services, clock: Clock) -> None:
    """It took settings of every provider for each, and any name of a secret."""
    token, settings = "a-token-of-enough-characters", {"region": "eu-west-1", "opt_out": "TD", "sender": "12345"}
    secrets = {"token": [token], "pasword": ["pw"]}
    row = {
        "name": "old", "kind": "sms", "provider": "kannel", "settings": settings, "active": True, "sends": False,
        "sealed": seal(services.secret, "gateway old", secrets), "weight": 50, "resting": 50, "shifted_at": None,
        "version": 1, "created_at": clock(), "created_by": "older",
    }  # fmt: skip
    await services.db.transact(lambda c: gateway_store.insert_gateway(c, row))
    found = await services.gateways.named("old", GatewayKind.SMS, clock())
    assert (found.provider, found.account.secret_values("token")) == ("kannel", [token])
    now = await change_gateway(services.gateways, "old", GatewayChange(settings={"smsc": "A"}, weight=70), clock())
    assert (now.account.settings, now.account.secrets) == ({**settings, "smsc": "A"}, secrets)
    with pytest.raises(Refused) as refused:  # what is set now must be right
        await change_gateway(services.gateways, "old", GatewayChange(settings={"region": "eu-west-2"}), clock())
    assert [field for field, _ in refused.value.refusal.errors] == ["settings.region"]
    now = await change_gateway(
        services.gateways, "old", GatewayChange(settings={"region": None, "opt_out": None}), clock()
    )
    assert now.account.settings == {"sender": "12345", "smsc": "A"}


async def test_changes_of_gateways_stand_in_the_security_log_without_a_value(services: Services, clock: Clock) -> None:
    await put(services, clock, settings={"smsc": "A"})
    token = {"token": ["another-token-of-enough-characters"]}
    await change_gateway(services.gateways, "g", GatewayChange(new=token, weight=0), clock(), COMMAND_LINE)
    with pytest.raises(Refused):
        await change_gateway(services.gateways, "g", GatewayChange(weight=101), clock(), COMMAND_LINE)
    await delete_gateway(services.gateways, "g", clock(), COMMAND_LINE)
    rows = await load_page(services.db, LogFilter(None, None, None, None, None), None, 10)
    assert [(row.deed, row.about_kind, row.about, row.by_id, row.details) for row in reversed(rows)] == [
        ("gateway_added", "gateway", "g", "system",
         {"provider": "kannel", "secrets": ["token"], "sends": False, "weight": 50}),
        ("gateway_changed", "gateway", "g", "command-line", {"secrets_added": ["token"], "weight": 0}),
        ("gateway_removed", "gateway", "g", "command-line", {}),
    ]  # fmt: skip
