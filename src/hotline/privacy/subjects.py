"""Who is meant by a phone number or by the id of a caller."""

from uuid import UUID, uuid4

from hotline.database.personal_data import Subject
from hotline.privacy.store import find_phone, load_subject
from hotline.refusals import Code, Refusal, Refused
from hotline.server_secret import lookup_keys
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import caller_id
from hotline.tickets.context import Services

KEYS_ARE_REPLACED = Refusal(
    Code.UNAVAILABLE, "the look-up key is being replaced: what is a person's is found whole when that is finished"
)


async def find_subject(services: Services, person: str, field: str) -> Subject:
    """The caller with all that is theirs. Raises Refused where it is no number and no id; `field`: what the refusal
    calls it."""
    if len(lookup_keys(services.secret)) > 1:
        raise Refused(KEYS_ARE_REPLACED)
    try:
        identity = str(UUID(person))
        phone = await services.db.snapshot(lambda c: find_phone(c, identity))
    except ValueError:
        parsed = parse_phone(person, services.region, services.area_code)
        if parsed.phone is None or parsed.unread:
            rule = "a phone number, or the id of a caller"
            raise Refused(Refusal(Code.INVALID, "nobody can be found by this", errors=((field, rule),))) from None
        phone = parsed.phone
        identity = caller_id(phone, services.secret)
    return await services.db.snapshot(lambda c: load_subject(c, identity, phone, str(uuid4())))
