"""Hashes of a chain say nothing to whoever has only the database."""

import hashlib
import hmac
import json

import orjson
import pytest
import sqlalchemy as sa

from hotline.audit.verification import ChainFault, Verified, verify
from hotline.database.columns import format_instant, use_sealing
from hotline.database.hash_chain import GENESIS, encode_values
from hotline.database.sealing import Sealing
from hotline.database.tables import answer
from hotline.security_log.store import CHAINED
from hotline.security_log.tables import security_log
from hotline.server_secret import lookup_key
from hotline.tickets.context import Services
from hotline.tickets.store.chain import LINE_COLUMNS
from hotline.tickets.tables import timeline
from tests.conftest import SEALING, Clock, Player


@pytest.mark.parametrize(
    ("told", "given_back"),
    [
        (1e20, "100000000000000000000"),
        (9.3e18, "9300000000000000000"),
        (-9.3e18, "-9300000000000000000"),
        (1e16, "10000000000000000"),
        (1.5e-7, "0.00000015"),
        (-0.0, "0.0"),
        (0.0, "0.0"),
        (1.5, "1.5"),
    ],
)
def test_a_number_has_one_form_whatever_jsonb_makes_of_it(told: float, given_back: str) -> None:
    """Among texts and ids that look like such numbers."""
    others = ["-0.0", "1e5,", "7f3e5-1e9]", "3e20", 0.0]
    texts = json.dumps(others)
    stored = f'[{given_back}, {{"lat": {given_back}, "is": {texts}}}, {texts}]'
    assert encode_values(orjson.loads(stored)) == encode_values([told, {"lat": told, "is": others}, others])
    for other in (told + 1 if abs(told) < 1e15 else told * 2, str(told)):
        assert encode_values([other, *others]) != encode_values([told, *others])


async def test_what_a_caller_told_cannot_be_guessed_from_the_hashes(
    desk: Player, services: Services, clock: Clock
) -> None:
    """Whoever guesses the number in the changes of a line would know it by the line's hash, were it not keyed."""
    made = await desk.call("楼道灯不亮", caller={"phone": "13588880007"})
    await desk.act(made, "amend", contact="13512345678", reason="更正")
    await services.security_log.drain()

    def rows(c: sa.Connection) -> tuple[list[sa.Row], list[sa.Row]]:
        lines = c.execute(sa.select(*LINE_COLUMNS, timeline.c.hash).order_by(timeline.c.seq)).all()
        return list(lines), list(c.execute(sa.select(security_log).order_by(security_log.c.position)))

    lines, log = await services.db.transact(rows)
    assert any("13512345678" in str(line.changes) for line in lines)
    at = [c.name for c in LINE_COLUMNS].index("at")
    right = [[*line[:at], format_instant(line.at), *line[at + 1 : -1]] for line in lines]  # every guess is right
    before = GENESIS
    for values, line in zip(right, lines, strict=True):
        told = before.encode() + encode_values(values)
        assert line.hash == hmac.digest(SEALING.digest_key, told, "sha256").hex() != hashlib.sha256(told).hexdigest()
        before = line.hash
    first = [format_instant(log[0].at) if name == "at" else getattr(log[0], name) for name in CHAINED]
    assert log[0].hash != hashlib.sha256(encode_values(first)).hexdigest()

    def verified(c: sa.Connection, sealing: Sealing) -> ChainFault | Verified:
        use_sealing(c.dialect, sealing)
        try:
            return verify(c, services.secret)
        finally:
            use_sealing(c.dialect, SEALING)

    assert isinstance(await services.db.transact(lambda c: verified(c, SEALING)), Verified)
    assert isinstance(await services.db.transact(lambda c: verified(c, Sealing(b"x" * 40))), ChainFault)


@pytest.mark.parametrize("form", ["by_call", "by_client"])
async def test_a_kept_answer_does_not_tell_what_was_asked(desk: Player, services: Services, form: str) -> None:
    """A number would be found by its digest after as many guesses as there are numbers. What versions before kept is
    still replayed."""
    body, headers = b'{"channel":"phone","narrative":"\xe5\x81\x9c\xe6\xb0\xb4"}', {"idempotency-key": "k-1"}
    asked = {"content": body, "headers": {**headers, "content-type": "application/json"}}
    first = await desk.http.post("/v1/calls", **asked)
    assert first.status_code == 201, first.text
    plain = hashlib.sha256(b"POST /v1/calls\n" + body).hexdigest()
    keyed = hmac.digest(lookup_key(services.secret), b"answer" + plain.encode(), "sha256").hex()
    kept = await services.db.transact(lambda c: c.execute(sa.select(answer.c.fingerprint)).scalar_one())
    assert kept not in (plain, keyed) and len(kept) == 64
    assert (await desk.http.post("/v1/calls", **asked)).headers["idempotency-replayed"] == "true"
    earlier = plain if form == "by_call" else keyed
    await services.db.transact(lambda c: c.execute(sa.update(answer).values(fingerprint=earlier)))
    again = await desk.http.post("/v1/calls", **asked)
    assert again.headers["idempotency-replayed"] == "true" and again.json() == first.json()
    other = {**asked, "content": body.replace(b"phone", b"wechat")}
    assert (await desk.http.post("/v1/calls", **other)).status_code == 422
