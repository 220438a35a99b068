"""Photos that residents send, and those they are shown: cleaned of place, time and device before they are stored or
handed out."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO

import structlog

from hotline.delivery.payloads import item_key
from hotline.organisation.write_request import WriteRequest
from hotline.public.model import MOST_PHOTOS
from hotline.refusals import Code, Refused
from hotline.server_secret import matches_signature
from hotline.storage.cleaning import clean_picture
from hotline.storage.file_types import FIRST_BYTES, media_type_of
from hotline.storage.files import MAX_FILE_BYTES, store_file
from hotline.storage.picture_metadata import CLEANED_TYPES
from hotline.tickets.attachments import NewFile, attach
from hotline.tickets.context import Services
from hotline.web.idempotency import RequestKey

SHOWN_FOR = timedelta(minutes=30)  # how long an address of a photo holds, behind which no code is asked for
_LATER = frozenset({Code.UNAVAILABLE, Code.STORAGE_FULL, Code.OVERLOADED, Code.OUTCOME_UNKNOWN})
log = structlog.get_logger("hotline.public")


@dataclass(frozen=True, slots=True)
class SentPhoto:
    """A photo of a form."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Cleaned:
    """The bytes that are stored, to be read more than once."""

    data: BytesIO

    async def read(self, size: int, /) -> bytes:
        return self.data.read(size)

    async def seek(self, offset: int, /) -> None:
        self.data.seek(offset)


async def attach_photos(services: Services, number: str, photos: Sequence[SentPhoto], request: WriteRequest) -> int:
    """Attach the first MOST_PHOTOS photos to a ticket, each once for the key of the request; how many. One that cannot
    be taken costs the report nothing."""
    attached = 0
    for place, photo in enumerate(photos[:MOST_PHOTOS]):
        key = RequestKey(request.key.owner, item_key("photo", request.key.key, place), "resident photo")
        try:
            await _attach_photo(services, number, photo, replace(request, key=key))
        except Refused as refused:
            log.info("photo.refused", code=refused.refusal.code)
        except ValueError:
            log.info("photo.refused", code=Code.UNSUPPORTED_MEDIA)
        else:
            attached += 1
    return attached


async def _attach_photo(services: Services, number: str, photo: SentPhoto, request: WriteRequest) -> None:
    """Raises ValueError for what is no picture of which place and device can be removed."""
    media_type = media_type_of(photo.data[:FIRST_BYTES])
    if media_type not in CLEANED_TYPES or len(photo.data) > MAX_FILE_BYTES:
        raise ValueError("no picture that is taken")
    sent = _Cleaned(BytesIO(await clean_picture(photo.data, media_type)))
    stored = await store_file(services.files, sent.read, media_type)
    name = "".join(c for c in photo.name.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable())[:120] or "photo"
    await attach(services, number, NewFile(stored, name, sent), request, lambda file: str(file.id))


def photo_address(secret: bytes, number: str, photo: str, now: datetime) -> str:
    """What stands in the address of a photo: which one, until when, and our signature. It tells no code."""
    text = f"{number}.{photo}.{int((now + SHOWN_FOR).timestamp())}"
    mark = hmac.digest(secret, _signed(text), "sha256")[:18]
    return urlsafe_b64encode(text.encode() + b"." + mark.hex().encode()).decode().rstrip("=")


def photo_at(secret: bytes, address: str, now: datetime) -> tuple[str, str] | None:
    """The number of the ticket and the id of the photo. None: not signed by us, or too old."""
    try:
        text, _, mark = urlsafe_b64decode(address[:400] + "=" * (-len(address) % 4)).decode().rpartition(".")
        number, photo, until = text.split(".")
        signature, expires = bytes.fromhex(mark), int(until)
    except ValueError:
        return None
    signed = len(signature) == 18 and matches_signature(secret, _signed(text), signature)
    return (number, photo) if signed and now.timestamp() < expires else None


def _signed(text: str) -> bytes:
    return b"photo for a resident " + text.encode()
