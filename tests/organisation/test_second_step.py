"""The second step of a log-in: what it asks for, what opens before it, and what ends the wait."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pyotp
import pytest
from fastapi import FastAPI

from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.tickets.context import Services
from tests.conftest import Cast, Clock, broken
from tests.organisation.authenticator import Authenticator

PASSWORD = "a long sentence 24365"


class Browser:
    """Somebody who logs in as Sun, an administrator."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def log_in(self) -> str:
        """The stage that the password leads to."""
        self.http.headers.pop("authorization", None)
        reply = (await self.http.post("/v1/token", json={"login": "sun", "password": PASSWORD})).json()
        self.http.headers["authorization"] = f"Bearer {reply['token']}"
        return str(reply["stage"])

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        reply = await self.http.post(path, json=body if body is not None else {}, **more)
        if path == "/v1/token/factor" and reply.status_code == 200:
            self.http.headers["authorization"] = f"Bearer {reply.json()['token']}"
        return reply

    async def set_codes_up(self, clock: Clock) -> tuple[pyotp.TOTP, list[str]]:
        new = (await self.post("/v1/me/factors/totp", {"name": "手机"})).json()
        totp = pyotp.TOTP(new["secret"])
        added = await self.post(f"/v1/me/factors/{new['id']}/confirmation", {"code": totp.at(clock())})
        assert added.status_code == 200, added.text
        return totp, added.json()["recovery_codes"]

    async def set_key_up(self, key: Authenticator) -> None:
        begun = (await self.post("/v1/me/factors/passkey/options")).json()
        body = {"name": "key", "state": begun["state"], "credential": key.create(begun["options"])}
        assert (await self.post("/v1/me/factors/passkey", body)).status_code == 201

    async def stage(self) -> int:
        return (await self.http.get("/v1/me")).status_code


@pytest.fixture
async def sun(app: FastAPI, services: Services, clock: Clock) -> AsyncIterator[Browser]:
    services.public_url = "https://hotline.example"
    await add_person(services, NewPerson("sun", "孙", PASSWORD, Grant(frozenset({Role.ADMIN}))), clock())
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://hotline.example")
    yield Browser(http)
    await http.aclose()


async def test_a_password_alone_opens_nothing_once_there_are_codes(sun: Browser, clock: Clock) -> None:
    assert await sun.log_in() == "active"
    totp, codes = await sun.set_codes_up(clock)
    clock.forward(minutes=1)
    assert await sun.log_in() == "pending_factor"
    for refused in (
        await sun.http.get("/v1/me"),
        await sun.http.get("/v1/people"),
        await sun.http.get("/v1/tickets"),
        await sun.post("/v1/me/recovery-codes"),
        await sun.post("/v1/me/factors/totp", {"name": "another's"}),  # nobody adds their own with a found password
        await sun.post("/v1/me/factors/passkey/options"),
    ):
        assert refused.status_code == 403
        assert refused.json()["type"] == "urn:hotline:problem:second-factor-required"
    wrong = await sun.post("/v1/token/factor", {"code": "000000"})
    assert wrong.status_code == 422 and broken(wrong.json()) == [("code", "wrong, used or expired")]
    right, first = {"code": totp.at(clock())}, sun.http.headers["authorization"]
    done = await sun.post("/v1/token/factor", right, headers={"Idempotency-Key": "second"})
    assert done.status_code == 200 and done.json()["stage"] == "active"
    assert await sun.stage() == 200
    old = {"authorization": first, "Idempotency-Key": "second"}  # whoever had the token of the first step
    assert (await sun.http.get("/v1/me", headers=old)).status_code == 401
    assert (await sun.http.post("/v1/token/factor", json=right, headers=old)).status_code == 401
    assert (await sun.post("/v1/token/factor", right)).status_code == 409

    assert await sun.log_in() == "pending_factor"
    assert (await sun.post("/v1/token/factor", right)).status_code == 422  # the code was used
    assert (await sun.post("/v1/token/factor", {"code": codes[0]})).status_code == 200
    assert await sun.stage() == 200


async def test_whose_role_needs_a_factor_sets_one_up_before_anything_else(
    sun: Browser, services: Services, clock: Clock
) -> None:
    services.second_factor_required = frozenset({Role.ADMIN})
    assert await sun.log_in() == "pending_factor"
    mine = (await sun.http.get("/v1/me/factors")).json()
    assert mine["items"] == [] and mine["required"] is True
    assert await sun.stage() == 403
    await sun.set_codes_up(clock)
    assert await sun.stage() == 200

    clock.forward(minutes=1)
    assert await sun.log_in() == "pending_factor"
    begun = (await sun.post("/v1/token/factor/options")).json()
    assert begun["options"]["allowCredentials"] == []
    clock.forward(minutes=16)
    assert await sun.stage() == 401  # a log-in that is not finished does not wait for long


async def test_two_who_set_a_factor_up_at_once_are_not_both_let_in(
    sun: Browser, services: Services, clock: Clock
) -> None:
    services.second_factor_required = frozenset({Role.ADMIN})
    thief = Browser(httpx.AsyncClient(transport=sun.http._transport, base_url="https://hotline.example"))
    await sun.log_in()
    await thief.log_in()
    begun = (await thief.post("/v1/me/factors/passkey/options")).json()
    await sun.set_codes_up(clock)
    body = {"name": "x", "state": begun["state"], "credential": Authenticator().create(begun["options"])}
    assert (
        await thief.post("/v1/me/factors/passkey", body)
    ).status_code == 401  # the first one ends all other sessions
    assert await thief.stage() == 401 and await sun.stage() == 200
    await thief.http.aclose()


async def test_a_passkey_finishes_a_log_in_once(sun: Browser, clock: Clock) -> None:
    await sun.log_in()
    key = Authenticator()
    await sun.set_key_up(key)

    async def answer(by: Authenticator, **more: Any) -> httpx.Response:
        assert await sun.log_in() == "pending_factor"
        begun = (await sun.post("/v1/token/factor/options")).json()
        assert [c["id"] for c in begun["options"]["allowCredentials"]] == [key.get(begun["options"])["id"]]
        proof = {"state": begun["state"], "credential": by.get(begun["options"]), **more}
        return await sun.post("/v1/token/factor", proof)

    assert (await answer(key)).status_code == 200 and await sun.stage() == 200
    stranger = Authenticator(id=key.id, handle=key.handle)  # another private key
    phished = Authenticator(id=key.id, handle=key.handle, key=key.key, count=50, origin="https://hotline.evil.test")
    unverified = Authenticator(id=key.id, handle=key.handle, key=key.key, count=60, flags=1)
    copied = Authenticator(id=key.id, handle=key.handle, key=key.key)  # whose count began again
    for wrong in (stranger, phished, unverified, copied, Authenticator(handle=key.handle)):
        assert (await answer(wrong)).status_code == 422 and await sun.stage() == 403
    key.count = 100
    assert (await answer(key)).status_code == 200
    assert (await answer(key, code="123456")).status_code == 422  # one or the other

    await sun.log_in()
    begun = (await sun.post("/v1/token/factor/options")).json()
    proof = {"state": begun["state"], "credential": key.get(begun["options"])}
    clock.forward(minutes=5)
    assert (await sun.post("/v1/token/factor", proof)).status_code == 422  # too late


async def test_a_passkey_alone_logs_in_where_it_names_its_user(sun: Browser, clock: Clock) -> None:
    await sun.log_in()
    key = Authenticator()
    await sun.set_key_up(key)
    sun.http.headers.pop("authorization")
    ours = {"sec-fetch-site": "same-origin", "origin": "https://hotline.example"}

    async def enter(headers: dict[str, str] = ours, *, handle: bool = True, proof: Any = None) -> httpx.Response:
        begun = (await sun.post("/console/session/passkey/options", headers=ours)).json()
        assert begun["options"]["allowCredentials"] == []
        mine = {"state": begun["state"], "credential": key.get(begun["options"], handle=handle)}
        return await sun.post("/console/session/passkey", proof or mine, headers=headers)

    assert (await enter({"origin": "https://evil.test"})).status_code == 400
    assert (await enter(handle=False)).status_code == 422  # it does not say whose it is
    assert (await enter(proof={"state": "AAAA"})).status_code == 400
    entered = await enter()
    assert entered.status_code == 200 and entered.json()["stage"] == "active"
    me = await sun.http.get("/v1/me")
    assert me.status_code == 200 and me.json()["name"] == "孙"
    assert "httponly" in entered.headers["set-cookie"].lower() and "secure" in entered.headers["set-cookie"].lower()


async def test_a_first_password_is_replaced_after_the_second_step(
    sun: Browser, services: Services, clock: Clock
) -> None:
    services.second_factor_required = frozenset({Role.ADMIN})
    new = NewPerson("sun2", "孙", PASSWORD, Grant(frozenset({Role.ADMIN})), is_first=True)
    await add_person(services, new, clock())
    reply = (await sun.post("/v1/token", {"login": "sun2", "password": PASSWORD})).json()
    sun.http.headers["authorization"] = f"Bearer {reply['token']}"
    assert reply["stage"] == "pending_factor"
    await sun.set_codes_up(clock)
    assert (await sun.http.get("/v1/me")).json()["type"] == "urn:hotline:problem:password-change-required"


async def test_an_administrator_resets_what_was_lost(
    sun: Browser, cast: Cast, services: Services, clock: Clock
) -> None:
    await sun.log_in()
    await sun.set_codes_up(clock)
    boss = await cast("boss")
    assert (await boss.http.delete("/v1/people/sun/factors")).status_code == 204
    clock.forward(seconds=2)
    assert await sun.stage() == 401
    assert await sun.log_in() == "active"
    block = await cast("block3")  # no administrator
    assert (await block.http.delete("/v1/people/sun/factors")).status_code == 403
