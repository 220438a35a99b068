"""Logging in at an identity provider: who gets in, as whom, and what is refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from hotline.oidc import service
from hotline.oidc.provider_client import ProviderClient
from hotline.oidc.providers import Providers, link_person, remove_provider, set_provider
from hotline.oidc.schemas import ProviderIn
from hotline.oidc.service import Arrived, LogInFailed, Obstacle, Returned
from hotline.organisation.model.actors import ActorKind, Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.service.accounts import ActorCache, NewPerson, add_person, authenticate
from hotline.organisation.service.sessions import LogInOrigin
from hotline.organisation.store import people
from hotline.refusals import Code, Refused
from hotline.tickets.context import Services
from tests.conftest import Clock
from tests.oidc.issuer import CLIENT, SECRET, Issuer, new_key, signed_by_another, signed_with_our_secret, unsigned

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


async def log_in(services: Services, issuer: Issuer, subject: str = "li", code: str = "city", **query: str) -> Arrived:
    journey = await service.set_out(services, code, "/console/take", services.clock())
    back = {**issuer.log_in(journey.address, subject), **query}
    return await service.arrive(services, code, Returned(back, journey.cookie), ORIGIN, services.clock())


async def obstacle(services: Services, issuer: Issuer, subject: str = "li", **query: str) -> Obstacle:
    with pytest.raises(LogInFailed) as failed:
        await log_in(services, issuer, subject, **query)
    return failed.value.obstacle


async def test_whoever_the_claims_grant_a_role_is_added_and_logged_in(
    services: Services, clock: Clock, city: Issuer
) -> None:
    arrived = await log_in(services, city)
    actor = await authenticate(services, ActorCache(), arrived.session.token, clock())
    assert (actor.kind, actor.name, actor.roles) == (ActorKind.PERSON, "李敏", {Role.OPERATOR})
    assert arrived.next == "/console/take" and arrived.session.stage is SessionStage.ACTIVE
    row = await people.load_person_by_login(services.db, "li.min")
    assert row is not None and row.id == actor.id

    city.people["li"] |= {"name": "李敏敏", "groups": ["hotline", "works"], "preferred_username": "renamed"}
    again = await authenticate(services, ActorCache(), (await log_in(services, city)).session.token, clock())
    assert (again.id, again.name, again.roles) == (actor.id, "李敏敏", {Role.OPERATOR, Role.HANDLER})
    assert again.departments == {"property-works"}
    clock.forward(seconds=2)
    before = await authenticate(services, ActorCache(), arrived.session.token, clock())
    assert before.roles == again.roles  # what changed there holds for older sessions, too


async def test_whoever_no_rule_knows_is_refused_and_not_added(services: Services, city: Issuer) -> None:
    city.people |= {
        "nobody": {"preferred_username": "nobody", "groups": "others"},
        "odd": {"preferred_username": "a name with spaces", "groups": "hotline"},
        "none": {"groups": ["hotline"]},
        "path": {"preferred_username": "path", "realm": {"roles": ["boss"]}},
    }
    for subject in ("nobody", "odd", "none"):
        assert await obstacle(services, city, subject) is Obstacle.UNMAPPED
    assert not await people.has_people(services.db)
    arrived = await log_in(services, city, "path")
    assert arrived.session.token


async def test_a_department_that_the_directory_does_not_have_grants_nothing(
    services: Services, clock: Clock, city: Issuer
) -> None:
    changed = CITY | {"department_claim": "dept", "area_claim": "area"}
    await set_provider(services, "city", ProviderIn.model_validate(changed), None, clock())
    clock.forward(seconds=11)
    city.people["li"] |= {"groups": ["works"], "dept": "no-such"}
    assert await obstacle(services, city) is Obstacle.UNMAPPED
    city.people["li"] |= {"dept": "property", "area": "rq-g1"}
    actor = await authenticate(services, ActorCache(), (await log_in(services, city)).session.token, clock())
    assert "property" in actor.departments and actor.home_area == "rq-g1"


async def test_a_login_that_somebody_has_is_not_taken_over_but_linked(
    services: Services, clock: Clock, city: Issuer
) -> None:
    local = await add_person(
        services, NewPerson("li.min", "李敏", "a long sentence 9", Grant(frozenset({Role.ADMIN}))), clock()
    )
    assert await obstacle(services, city) is Obstacle.LOGIN_TAKEN
    assert await link_person(services, "city", "li", "li.min", clock()) is None
    assert await link_person(services, "city", "li", "li.min", clock()) == "this subject is linked already"
    boss = {"preferred_username": "boss", "realm": {"roles": ["boss"]}}  # another administrator, so that Li may cease
    city.people["boss"] = boss
    await log_in(services, city, "boss")
    actor = await authenticate(services, ActorCache(), (await log_in(services, city)).session.token, clock())
    assert actor.id == local["id"] and actor.roles == {Role.OPERATOR}


async def test_a_closed_account_stays_closed(services: Services, clock: Clock, city: Issuer) -> None:
    await log_in(services, city)
    row = await people.load_person_by_login(services.db, "li.min")
    assert row is not None
    await services.db.transact(lambda c: people.change_person(c, row.id, row.version, {"active": False}))
    assert await obstacle(services, city) is Obstacle.CLOSED


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
        assert await obstacle(services, city) is Obstacle.NOT_TRUSTED, what
    city.broken = None
    for sign in (unsigned, signed_with_our_secret, signed_by_another, lambda claims: "no.token", lambda claims: ""):
        city.sign = sign
        assert await obstacle(services, city) is Obstacle.NOT_TRUSTED, sign
    city.sign = None
    city.userinfo_sub = "another"
    assert await obstacle(services, city) is Obstacle.NOT_TRUSTED
    city.userinfo_sub = None
    assert not await people.has_people(services.db)
    city.broken = lambda c: c.update(iat=c["iat"] + 29, exp=c["iat"] - 29)  # clocks differ
    assert await log_in(services, city)
    city.broken = lambda c: c.update(aud=[CLIENT, "another"], azp=CLIENT)
    assert await log_in(services, city)


async def test_a_log_in_is_finished_once_by_the_browser_that_began_it(
    services: Services, clock: Clock, city: Issuer
) -> None:
    journey = await service.set_out(services, "city", "/console", clock())
    other = await service.set_out(services, "city", "/console", clock())
    back = city.log_in(journey.address, "li")

    async def arrive(cookie: str = journey.cookie, **query: str) -> Obstacle | None:
        try:
            await service.arrive(services, "city", Returned({**back, **query}, cookie), ORIGIN, clock())
        except LogInFailed as failed:
            return failed.obstacle
        return None

    assert await arrive(other.cookie) is Obstacle.START_AGAIN
    assert await arrive("rubbish") is Obstacle.START_AGAIN
    assert await arrive(state="another") is Obstacle.START_AGAIN
    assert await arrive(iss="https://id.example.evil.test") is Obstacle.NOT_TRUSTED  # a code of another provider
    assert await arrive(error="access_denied") is Obstacle.NOT_LOGGED_IN
    code = dict(city.codes[back["code"]])
    assert await arrive() is None
    assert await arrive() is Obstacle.NOT_TRUSTED  # the provider takes a code once
    city.codes[back["code"]] = code
    assert await arrive() is Obstacle.START_AGAIN  # and so do we
    clock.forward(minutes=10)
    assert await arrive() is Obstacle.START_AGAIN
    later = await service.set_out(services, "city", "/console", clock())
    back = city.log_in(later.address, "li")
    del back["iss"]  # which the provider promised to send
    assert await arrive(later.cookie) is Obstacle.NOT_TRUSTED


async def test_keys_are_kept_and_looked_for_when_the_provider_has_new_ones(
    services: Services, clock: Clock, city: Issuer
) -> None:
    await log_in(services, city)
    await log_in(services, city)
    assert city.asked.count("/keys") == 1 and city.asked.count("/.well-known/openid-configuration") == 1
    city.keys = [new_key("second")]
    assert await obstacle(services, city) is Obstacle.NOT_TRUSTED  # not more often than once a minute
    clock.forward(minutes=1)
    await log_in(services, city)
    assert city.asked.count("/keys") == 2
    clock.forward(minutes=61)
    await log_in(services, city)
    assert city.asked.count("/keys") == 3


async def test_a_provider_that_does_not_answer_is_told_as_such(services: Services, clock: Clock, city: Issuer) -> None:
    city.down = True
    with pytest.raises(Refused) as refused:
        await service.set_out(services, "city", "/console", clock())
    assert refused.value.refusal.code is Code.UNAVAILABLE and refused.value.refusal.retry_after
    city.down = False
    journey = await service.set_out(services, "city", "/console", clock())
    back = city.log_in(journey.address, "li")
    city.down = True
    with pytest.raises(Refused) as refused:
        await service.arrive(services, "city", Returned(back, journey.cookie), ORIGIN, clock())
    assert refused.value.refusal.code is Code.UNAVAILABLE
    clock.forward(hours=2)  # what is known of it goes on being used, and is asked for again
    assert (await service.set_out(services, "city", "/console", clock())).address


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://another.example"},
        {"token_endpoint": "http://id.example/token"},
        {"jwks_uri": None},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
async def test_metadata_that_does_not_hold_is_not_used(
    wrong: dict[str, Any], services: Services, clock: Clock, city: Issuer
) -> None:
    city.metadata = wrong
    with pytest.raises(Refused) as refused:
        await service.set_out(services, "city", "/console", clock())
    assert refused.value.refusal.code is Code.UNAVAILABLE


async def test_a_provider_that_is_off_or_gone_lets_nobody_in(services: Services, clock: Clock, city: Issuer) -> None:
    await set_provider(services, "city", ProviderIn.model_validate(CITY | {"active": False}), None, clock())
    with pytest.raises(Refused):
        await service.set_out(services, "city", "/console", clock())
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

    address = await service.way_out(services, first, "/console/login")
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
    assert await service.log_out_from_provider(services, cache, "city", city.logout_token(sid="sid-wang"), clock()) == 1
    assert not await is_in(wang)


async def test_our_own_factor_is_asked_for_where_the_provider_is_not_trusted_with_it(
    services: Services, clock: Clock, city: Issuer
) -> None:
    await set_provider(services, "city", ProviderIn.model_validate(CITY | {"own_factor": True}), None, clock())
    services.second_factor_required = frozenset({Role.OPERATOR})
    for _ in range(2):  # a person who is added now, and one who is known
        session = (await log_in(services, city)).session
        assert session.stage is SessionStage.PENDING_FACTOR
        assert session.expires_at <= clock() + timedelta(minutes=15)
