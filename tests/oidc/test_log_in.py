"""Logging in at an identity provider: who gets in, as whom, and what is refused."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from hotline.oidc import model, service
from hotline.oidc.provider_client import AT_ONCE, ProviderClient
from hotline.oidc.providers import Providers, link_person, remove_provider, set_provider, unlink_person
from hotline.oidc.schemas import ProviderIn, provider_from_body
from hotline.oidc.service import Callback, LogInFailed, LogInFailure, LogInResult, LogInTarget
from hotline.organisation.model.actors import ActorKind, Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.service.accounts import ActorCache, NewPerson, add_person, authenticate, keyed_hash
from hotline.organisation.service.logging_in import LogInAttempt
from hotline.organisation.service.logging_in import log_in as log_in_by_password
from hotline.organisation.service.person_changes import PersonUpdate, change_person
from hotline.organisation.service.second_step import load_asking_session, require_recent_log_in
from hotline.organisation.service.sessions import LogInOrigin
from hotline.organisation.store import people
from hotline.organisation.store.sessions import load_session_person
from hotline.refusals import Code, Refused
from hotline.security_log.tables import security_log
from hotline.tickets.context import Services
from tests.conftest import Clock
from tests.oidc.issuer import CLIENT, SECRET, Issuer, new_key, signed_by_another, signed_with_our_secret, unsigned
from tests.organisation.authenticator import Authenticator

ORIGIN = LogInOrigin("192.0.2.1", "Firefox/140")
CITY: dict[str, Any] = {
    "name": "市统一身份认证",
    "issuer": "https://id.example",
    "client_id": CLIENT,
    "rules": [
        {"claim": "groups", "value": "hotline", "roles": ["operator"]},
        {"claim": "groups", "value": "works", "roles": ["handler"], "department": "property-works"},
        {"claim": "realm.roles", "value": "boss", "roles": ["admin"]},
    ],
}
LI = {"name": "李敏", "preferred_username": "Li.Min", "groups": ["hotline", "others"]}


@pytest.fixture
async def city(services: Services, clock: Clock) -> Issuer:
    """The city's identity provider, where Li Min takes calls."""
    issuer = Issuer(clock, people={"li": dict(LI)})
    services.public_url = "https://hotline.example"
    services.add(ProviderClient(clock, httpx.MockTransport(issuer)))
    await set_provider(services, "city", ProviderIn.model_validate(CITY), SECRET, clock())
    return issuer


async def log_in(
    services: Services, issuer: Issuer, subject: str = "li", code: str = "city", **query: str
) -> LogInResult:
    asked = await service.begin_log_in(services, code, LogInTarget("/console/take"), services.clock())
    back = {**issuer.log_in(asked.address, subject), **query}
    return await service.complete_log_in(services, code, Callback(back, asked.cookie), ORIGIN, services.clock())


async def failure(services: Services, issuer: Issuer, subject: str = "li", **query: str) -> LogInFailure:
    with pytest.raises(LogInFailed) as failed:
        await log_in(services, issuer, subject, **query)
    return failed.value.failure


async def test_whoever_the_claims_grant_a_role_is_added_and_logged_in(
    services: Services, clock: Clock, city: Issuer
) -> None:
    result = await log_in(services, city)
    actor = await authenticate(services, ActorCache(), result.session.token, clock())
    assert (actor.kind, actor.name, actor.roles) == (ActorKind.PERSON, "李敏", {Role.OPERATOR})
    assert result.next == "/console/take" and result.session.stage is SessionStage.ACTIVE
    row = await people.load_person_by_login(services.db, "li.min")
    assert row is not None and row.id == actor.id

    city.people["li"] |= {"name": "李敏敏", "groups": ["hotline", "works"], "preferred_username": "renamed"}
    again = await authenticate(services, ActorCache(), (await log_in(services, city)).session.token, clock())
    assert (again.id, again.name, again.roles) == (actor.id, "李敏敏", {Role.OPERATOR, Role.HANDLER})
    assert again.departments == {"property-works"}
    clock.forward(seconds=2)
    before = await authenticate(services, ActorCache(), result.session.token, clock())
    assert before.roles == again.roles  # what changed there holds for older sessions, too


async def test_whoever_no_rule_knows_is_refused_and_not_added(services: Services, city: Issuer) -> None:
    city.people |= {
        "nobody": {"preferred_username": "nobody", "groups": "others"},
        "odd": {"preferred_username": "a name with spaces", "groups": "hotline"},
        "none": {"groups": ["hotline"]},
        "path": {"preferred_username": "path", "realm": {"roles": ["boss"]}},
    }
    for subject in ("nobody", "odd", "none"):
        assert await failure(services, city, subject) is LogInFailure.UNMAPPED
    assert not await people.has_people(services.db)
    result = await log_in(services, city, "path")
    assert result.session.token


async def test_a_department_that_the_directory_does_not_have_grants_nothing(
    services: Services, clock: Clock, city: Issuer
) -> None:
    changed = CITY | {"department_claim": "dept", "area_claim": "area"}
    await set_provider(services, "city", ProviderIn.model_validate(changed), None, clock())
    clock.forward(seconds=11)
    city.people["li"] |= {"groups": ["works"], "dept": "no-such"}
    assert await failure(services, city) is LogInFailure.UNMAPPED
    city.people["li"] |= {"dept": "property", "area": "rq-g1"}
    actor = await authenticate(services, ActorCache(), (await log_in(services, city)).session.token, clock())
    assert "property" in actor.departments and actor.home_area == "rq-g1"


async def test_a_login_that_somebody_has_is_not_taken_over_but_linked(
    services: Services, clock: Clock, city: Issuer
) -> None:
    local = await add_person(
        services, NewPerson("li.min", "李敏", "a long sentence 9", Grant(frozenset({Role.ADMIN}))), clock()
    )
    assert await failure(services, city) is LogInFailure.LOGIN_TAKEN
    assert await link_person(services, "city", "li", "li.min", clock()) is None
    assert await link_person(services, "city", "li", "li.min", clock()) == "this subject is linked already"
    boss = {"preferred_username": "boss", "realm": {"roles": ["boss"]}}  # another administrator, so that Li may cease
    city.people["boss"] = boss
    await log_in(services, city, "boss")
    actor = await authenticate(services, ActorCache(), (await log_in(services, city)).session.token, clock())
    assert actor.id == local["id"] and actor.roles == {Role.OPERATOR}


@pytest.mark.parametrize(
    ("mapping", "claims", "granted"),
    [
        ({"area_claim": "area"}, {"groups": ["hotline"], "area": "rq-g1"}, (["operator"], None, "rq-g1")),
        ({"area_claim": "area"}, {"groups": ["hotline"]}, None),  # the whole, because a claim is missing
        ({"area_claim": "area"}, {"groups": ["hotline"], "area": ["rq-g1", "rq-b3"]}, None),
        ({"area_claim": "area"}, {"groups": ["hotline"], "area": ""}, None),
        ({"department_claim": "dept"}, {"groups": ["works"]}, None),
        ({"rules": [("a", "operator", "rq-g1"), ("b", "admin", "rq-b3")]}, {"groups": ["a", "b"]}, None),
        ({"rules": [("a", "operator", "rq-g1"), ("b", "admin", "rq-b3")]}, {"groups": ["b"]}, (["admin"], None, "rq-b3")),
        ({"rules": [("a", "operator", "rq-g1"), ("b", "admin", None)]}, {"groups": ["a", "b"]},
         (["admin", "operator"], None, "rq-g1")),
    ],
)  # fmt: skip
def test_what_is_missing_or_contradicts_grants_nothing(
    mapping: dict[str, Any], claims: dict[str, Any], granted: tuple[list[str], str | None, str | None] | None
) -> None:
    body = dict(CITY | mapping)
    if "rules" in mapping:
        body["rules"] = [
            {"claim": "groups", "value": value, "roles": [role], **({"area": area} if area else {})}
            for value, role, area in mapping["rules"]
        ]
    found = model.granted(provider_from_body("city", body).mapping, claims)
    assert (found and (sorted(found.roles), found.department, found.area)) == granted


async def test_a_passkey_does_not_outlive_the_provider(
    app: FastAPI, services: Services, clock: Clock, city: Issuer
) -> None:
    """Whoever logs in there may add one: it is a second factor, and no way in of its own."""
    token = (await log_in(services, city)).session.token
    key = Authenticator()
    ours = {"origin": "https://hotline.example", "sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="https://hotline.example", headers=ours
    ) as http:
        mine = {"authorization": f"Bearer {token}"}
        begun = (await http.post("/v1/me/factors/passkey/options", json={}, headers=mine)).json()
        body = {"name": "key", "state": begun["state"], "credential": key.create(begun["options"])}
        assert (await http.post("/v1/me/factors/passkey", json=body, headers=mine)).status_code == 201

        async def enter() -> int:
            begun = (await http.post("/console/session/passkey/options", json={})).json()
            proof = {"state": begun["state"], "credential": key.get(begun["options"])}
            return (await http.post("/console/session/passkey", json=proof)).status_code

        async def set_password(version: int) -> None:
            row = await people.load_person_by_login(services.db, "li.min")
            assert row is not None and row.version == version
            update = PersonUpdate(row.id, version, {"password": "a long sentence 9"})
            await change_person(services, ActorCache(), update, clock())

        assert await enter() == 422
        with pytest.raises(Refused):
            await log_in_by_password(services, LogInAttempt("li.min", "nobody's password", None), clock())
        assert await remove_provider(services, "city", clock())
        clock.forward(seconds=11)
        assert await enter() == 422
        assert (await http.get("/v1/me", headers=mine)).status_code == 401  # what began there has ended with it
        await set_provider(services, "city", ProviderIn.model_validate(CITY), SECRET, clock())
        token = (await log_in(services, city)).session.token
        assert await unlink_person(services, "city", "li", clock()) is None
        assert await unlink_person(services, "city", "li", clock()) == "no such subject"
        clock.forward(seconds=2)
        assert (await http.get("/v1/me", headers={"authorization": f"Bearer {token}"})).status_code == 401
        assert await enter() == 422  # nobody has made it a local account
        await set_password(1)
        assert await enter() == 200
    rows = await services.db.transact(lambda c: c.execute(sa.select(security_log.c.deed, security_log.c.details)).all())
    assert ("person_changed", {"identity_provider_before": "city", "sessions_ended": 1}) in [tuple(r) for r in rows]


async def test_a_closed_account_stays_closed(services: Services, clock: Clock, city: Issuer) -> None:
    await log_in(services, city)
    row = await people.load_person_by_login(services.db, "li.min")
    assert row is not None
    await services.db.transact(lambda c: people.change_person(c, row.id, row.version, {"active": False}))
    assert await failure(services, city) is LogInFailure.CLOSED


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "another nonce": lambda c: c.update(nonce="another"),
    "no nonce": lambda c: c.pop("nonce"),
    "another audience": lambda c: c.update(aud="another"),
    "several audiences": lambda c: c.update(aud=[CLIENT, "another"]),
    "another party": lambda c: c.update(azp="another"),
    "no audience": lambda c: c.pop("aud"),
    "another issuer": lambda c: c.update(iss="https://id.example.evil.test"),
    "expired": lambda c: c.update(exp=c["iat"] - 31),
    "no end": lambda c: c.pop("exp"),
    "an end that is no number": lambda c: c.update(exp="later"),
    "from the future": lambda c: c.update(iat=c["iat"] + 31),
    "old": lambda c: c.update(iat=c["iat"] - 700),
    "not yet": lambda c: c.update(nbf=c["iat"] + 60),
    "no subject": lambda c: c.pop("sub"),
    "a subject that is no text": lambda c: c.update(sub=["li"]),
}


async def test_an_id_token_that_does_not_hold_is_refused(services: Services, clock: Clock, city: Issuer) -> None:
    for what, broken in BROKEN.items():
        city.broken = broken
        assert await failure(services, city) is LogInFailure.NOT_TRUSTED, what
    city.broken = None
    for sign in (unsigned, signed_with_our_secret, signed_by_another, lambda claims: "no.token", lambda claims: ""):
        city.sign = sign
        assert await failure(services, city) is LogInFailure.NOT_TRUSTED, sign
    city.sign = None
    city.userinfo_sub = "another"
    assert await failure(services, city) is LogInFailure.NOT_TRUSTED
    city.userinfo_sub = None
    assert not await people.has_people(services.db)
    city.broken = lambda c: c.update(iat=c["iat"] + 29, exp=c["iat"] - 29)  # clocks differ
    assert await log_in(services, city)
    city.broken = lambda c: c.update(aud=[CLIENT, "another"], azp=CLIENT)
    assert await log_in(services, city)


async def test_a_log_in_is_finished_once_by_the_browser_that_began_it(
    services: Services, clock: Clock, city: Issuer
) -> None:
    asked = await service.begin_log_in(services, "city", LogInTarget("/console"), clock())
    other = await service.begin_log_in(services, "city", LogInTarget("/console"), clock())
    back = city.log_in(asked.address, "li")

    async def complete_log_in(cookie: str = asked.cookie, **query: str) -> LogInFailure | None:
        try:
            await service.complete_log_in(services, "city", Callback({**back, **query}, cookie), ORIGIN, clock())
        except LogInFailed as failed:
            return failed.failure
        return None

    assert await complete_log_in(other.cookie) is LogInFailure.START_AGAIN
    assert await complete_log_in("rubbish") is LogInFailure.START_AGAIN
    assert await complete_log_in(state="another") is LogInFailure.START_AGAIN
    assert (
        await complete_log_in(iss="https://id.example.evil.test") is LogInFailure.NOT_TRUSTED
    )  # a code of another provider
    assert await complete_log_in(error="access_denied") is LogInFailure.NOT_LOGGED_IN
    code = dict(city.codes[back["code"]])
    assert await complete_log_in() is None
    assert await complete_log_in() is LogInFailure.NOT_TRUSTED  # the provider takes a code once
    city.codes[back["code"]] = code
    assert await complete_log_in() is LogInFailure.START_AGAIN  # and so do we
    clock.forward(minutes=10)
    assert await complete_log_in() is LogInFailure.START_AGAIN
    later = await service.begin_log_in(services, "city", LogInTarget("/console"), clock())
    back = city.log_in(later.address, "li")
    del back["iss"]  # which the provider promised to send
    assert await complete_log_in(later.cookie) is LogInFailure.NOT_TRUSTED


async def test_keys_are_kept_and_looked_for_when_the_provider_has_new_ones(
    services: Services, clock: Clock, city: Issuer
) -> None:
    await log_in(services, city)
    await log_in(services, city)
    assert city.asked.count("/keys") == 1 and city.asked.count("/.well-known/openid-configuration") == 1
    city.keys = [new_key("second")]
    assert await failure(services, city) is LogInFailure.NOT_TRUSTED  # not more often than once a minute
    clock.forward(minutes=1)
    await log_in(services, city)
    assert city.asked.count("/keys") == 2
    clock.forward(minutes=61)
    await log_in(services, city)
    assert city.asked.count("/keys") == 3


async def test_a_provider_that_does_not_answer_is_told_as_such(services: Services, clock: Clock, city: Issuer) -> None:
    city.down = True
    with pytest.raises(Refused) as refused:
        await service.begin_log_in(services, "city", LogInTarget("/console"), clock())
    assert refused.value.refusal.code is Code.UNAVAILABLE and refused.value.refusal.retry_after
    city.down = False
    asked = await service.begin_log_in(services, "city", LogInTarget("/console"), clock())
    back = city.log_in(asked.address, "li")
    city.down = True
    with pytest.raises(Refused) as refused:
        await service.complete_log_in(services, "city", Callback(back, asked.cookie), ORIGIN, clock())
    assert refused.value.refusal.code is Code.UNAVAILABLE
    clock.forward(hours=2)  # what is known of it goes on being used, and is asked for again
    assert (await service.begin_log_in(services, "city", LogInTarget("/console"), clock())).address


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://another.example"},
        {"token_endpoint": "http://id.example/token"},
        {"token_endpoint": "http://127.0.0.1:9000/token"},
        {"userinfo_endpoint": "https://localhost/userinfo"},
        {"jwks_uri": None},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
async def test_metadata_that_does_not_hold_is_not_used(
    wrong: dict[str, Any], services: Services, clock: Clock, city: Issuer
) -> None:
    city.metadata = wrong
    with pytest.raises(Refused) as refused:
        await service.begin_log_in(services, "city", LogInTarget("/console"), clock())
    assert refused.value.refusal.code is Code.UNAVAILABLE


async def test_a_provider_that_is_off_or_gone_lets_nobody_in(services: Services, clock: Clock, city: Issuer) -> None:
    await set_provider(services, "city", ProviderIn.model_validate(CITY | {"active": False}), None, clock())
    with pytest.raises(Refused):
        await service.begin_log_in(services, "city", LogInTarget("/console"), clock())
    assert (await services.part(Providers).all(services))[0].secret(services) == SECRET  # it was not sent again
    assert await remove_provider(services, "city", clock())
    assert not await remove_provider(services, "city", clock())


async def test_the_provider_ends_sessions_and_is_told_of_their_end(
    app: FastAPI, services: Services, clock: Clock, city: Issuer
) -> None:
    cache = ActorCache()
    city.people["wang"] = {"preferred_username": "wang", "groups": ["hotline"]}
    first, second = (await log_in(services, city)).session.token, (await log_in(services, city)).session.token
    wang = (await log_in(services, city, "wang")).session.token

    async def is_in(token: str) -> bool:
        clock.forward(seconds=2)
        try:
            await authenticate(services, cache, token, clock())
        except Refused:
            return False
        return True

    address = await service.log_out(services, cache, first, "/console/login", clock())
    assert address is not None and address.startswith("https://id.example/end?x=1&")
    asked = parse_qs(urlsplit(address).query)
    assert asked["post_logout_redirect_uri"] == ["https://hotline.example/console/login"]
    assert asked["client_id"] == [CLIENT]
    for token in (
        city.logout_token(sub="li", nonce="n"), city.logout_token(), city.logout_token(sub="li", events={}),
        city.logout_token(sub="li", aud="another"), city.logout_token(sub="li", iss="https://evil.test"),
        city.logout_token(sub="li", exp=1), city.logout_token(sub="li", jti=None),
        unsigned({"sub": "li"}), "rubbish", city.signed(city.claims({"sub": "li", "nonce": "n"})),
    ):  # fmt: skip
        with pytest.raises(Refused):
            await service.log_out_from_provider(services, cache, "city", token, clock())
    assert await is_in(second) and await is_in(wang)
    token = city.logout_token(sub="li", sid="sid-li")
    assert await service.log_out_from_provider(services, cache, "city", token, clock()) == 1  # `first` has left before
    assert not await is_in(second) and await is_in(wang)
    with pytest.raises(Refused):
        await service.log_out_from_provider(services, cache, "city", token, clock())
    city.broken = lambda claims: claims.pop("sid")  # nor does every provider say which session it is
    unnamed = (await log_in(services, city)).session.token
    city.broken = None
    token = city.logout_token(sub="wang", sid="sid-li")
    assert await service.log_out_from_provider(services, cache, "city", token, clock()) == 0
    token = city.logout_token(sub="li", sid="sid-li")
    assert await service.log_out_from_provider(services, cache, "city", token, clock()) == 1
    assert not await is_in(unnamed)
    assert await service.log_out_from_provider(services, cache, "city", city.logout_token(sid="sid-wang"), clock()) == 1
    assert not await is_in(wang)


async def test_a_provider_that_does_not_answer_keeps_nobody_in_and_nobody_from_another(
    services: Services, clock: Clock, city: Issuer
) -> None:
    token, cache = (await log_in(services, city)).session.token, ActorCache()
    clock.forward(days=2)  # what is known of it is too old
    other = Issuer(clock, "https://other.example", people={"li": dict(LI)})
    answers, asked = asyncio.Event(), asyncio.Event()
    states: list[bool] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "other.example":
            return other(request)
        row = await load_session_person(services.db, keyed_hash(services, token))
        states.append(row is None)
        asked.set()
        await answers.wait()
        raise httpx.ConnectError("down")

    services.add(ProviderClient(clock, httpx.MockTransport(answer)))
    await set_provider(services, "other", ProviderIn.model_validate(CITY | {"issuer": other.url}), SECRET, clock())
    leaving = asyncio.create_task(service.log_out(services, cache, token, "/console/login", clock()))
    await asked.wait()
    waiting = [
        asyncio.create_task(service.begin_log_in(services, "city", LogInTarget("/"), clock())) for _ in range(AT_ONCE)
    ]
    assert states == [True]  # the session had ended before the provider was asked
    assert (await service.begin_log_in(services, "other", LogInTarget("/console"), clock())).address
    answers.set()
    assert await leaving is None
    assert all(isinstance(fault, Refused) for fault in await asyncio.gather(*waiting, return_exceptions=True))


async def test_strength_and_age_of_a_log_in_there_are_checked_in_its_token(
    services: Services, clock: Clock, city: Issuer
) -> None:
    asked = CITY | {"acr_values": ["mfa", "hardware"], "max_age": 3600}
    await set_provider(services, "city", ProviderIn.model_validate(asked), None, clock())
    clock.forward(seconds=11)
    begun = await service.begin_log_in(services, "city", LogInTarget("/console"), clock())
    sent = parse_qs(urlsplit(begun.address).query)
    assert (sent["acr_values"], sent["max_age"]) == (["mfa hardware"], ["3600"])
    now = int(clock().timestamp())
    wrong: tuple[dict[str, Any], ...] = (
        {}, {"acr": "mfa"}, {"auth_time": now}, {"acr": "password", "auth_time": now},
        {"acr": ["mfa"], "auth_time": now}, {"acr": "mfa", "auth_time": now - 3700}, {"acr": "mfa", "auth_time": "now"},
        {"acr": "mfa", "auth_time": now + 60},
    )  # fmt: skip
    for claims in wrong:
        city.broken = lambda c, claims=claims: c.update(claims)  # type: ignore[misc]
        assert await failure(services, city) is LogInFailure.NOT_TRUSTED, claims
    city.broken = lambda c: c.update(acr="hardware", auth_time=now - 1200)
    token = (await log_in(services, city)).session.token
    session = await load_asking_session(services, token)
    with pytest.raises(Refused):  # what was proved twenty minutes ago is not recent, however new the session is
        await require_recent_log_in(services, session, clock())
    city.broken = lambda c: c.update(acr="mfa", auth_time=now)
    session = await load_asking_session(services, (await log_in(services, city)).session.token)
    await require_recent_log_in(services, session, clock())


async def test_our_own_factor_is_asked_for_where_the_provider_is_not_trusted_with_it(
    services: Services, clock: Clock, city: Issuer
) -> None:
    await set_provider(services, "city", ProviderIn.model_validate(CITY | {"own_factor": True}), None, clock())
    services.second_factor_required = frozenset({Role.OPERATOR})
    for _ in range(2):  # a person who is added now, and one who is known
        session = (await log_in(services, city)).session
        assert session.stage is SessionStage.PENDING_FACTOR
        assert session.expires_at <= clock() + timedelta(minutes=15)
