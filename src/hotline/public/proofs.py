"""Proofs of work instead of a captcha: the server signs a challenge, the browser searches for a number whose hash with
it begins with zeros. Nothing is asked of anybody else, and nobody is shown a picture."""

import hashlib
import hmac
import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from hotline.public.model import Load, bits_of_work, zero_bits
from hotline.public.store import spend_proof
from hotline.server_secret import matches_signature
from hotline.tickets.context import Services
from hotline.web.addresses import rate_limit_key

VALID_FOR = timedelta(minutes=10)
LONGEST_PROOF = 200
_VERSION = "1"
_MINUTE = 60


class Purpose(StrEnum):
    """What a proof is for; one for another purpose counts for nothing."""

    REPORT = "report"
    JOIN = "join"


class ProofState(StrEnum):
    """What a proof is worth. Any but `good` is as none at all."""

    GOOD = "good"
    NONE = "none"
    FORGED = "forged"  # signed by nobody of us, or for another purpose
    EXPIRED = "expired"
    UNSOLVED = "unsolved"
    USED = "used"  # for another report


@dataclass
class ChallengeCounts:
    """Challenges given out within this minute by this process: more of them make the next ones harder."""

    minute: int = -1
    by_address: Counter[str] = field(default_factory=Counter)

    def count(self, address: str | None, now: datetime) -> Load:
        minute = int(now.timestamp()) // _MINUTE
        if minute != self.minute:
            self.minute, self.by_address = minute, Counter()
        key = rate_limit_key(address)
        self.by_address[key] += 1
        return Load(self.by_address.total(), self.by_address[key])


def new_challenge(services: Services, purpose: Purpose, bits: int, now: datetime) -> str:
    """`version.purpose.bits.expiry.random.signature`."""
    expires = int((now + VALID_FOR).timestamp())
    text = f"{_VERSION}.{purpose}.{bits}.{expires}.{secrets.token_hex(16)}"
    return f"{text}.{hmac.digest(services.secret, _signed(text), 'sha256').hex()}"


def work_for(base: int, counts: ChallengeCounts, address: str | None, now: datetime) -> int:
    """How hard the next challenge is."""
    return bits_of_work(base, counts.count(address, now))


def _signed(text: str) -> bytes:
    return b"proof of work " + text.encode()


async def use_proof(
    services: Services, proof: str | None, purpose: Purpose, used_for: str, now: datetime
) -> ProofState:
    """Check a proof, `challenge.counter`, and use it up. `used_for`: names the report; the same report, sent again, may
    use it again."""
    if not proof:
        return ProofState.NONE
    challenge, _, counter = proof[:LONGEST_PROOF].rpartition(".")
    text, _, mark = challenge.rpartition(".")
    parts = text.split(".")
    if len(parts) != 5 or not _is_signed(services.secret, text, mark) or parts[:2] != [_VERSION, purpose]:
        return ProofState.FORGED
    expires = datetime.fromtimestamp(int(parts[3]), UTC)
    if now >= expires:
        return ProofState.EXPIRED
    if not counter.isdigit() or zero_bits(hashlib.sha256(proof[:LONGEST_PROOF].encode()).digest()) < int(parts[2]):
        return ProofState.UNSOLVED
    name = hashlib.sha256(used_for.encode()).hexdigest()

    used = await services.db.transact(lambda c: spend_proof(c, parts[4], name, expires))
    return ProofState.GOOD if used else ProofState.USED


def _is_signed(secret: bytes, text: str, mark: str) -> bool:
    try:
        signature = bytes.fromhex(mark)
    except ValueError:
        return False
    return len(signature) == 32 and matches_signature(secret, _signed(text), signature)
