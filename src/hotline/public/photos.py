"""Photos that residents send, and those they are shown: cleaned of place, time and device before they are stored or
handed out."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from io import BytesIO
from typing import Protocol

import structlog

from hotline.delivery.payloads import item_key
from hotline.organisation.write_request import WriteRequest
from hotline.public.allowance import spend_photo
from hotline.public.model import MOST_PHOTOS
from hotline.refusals import Code, Refused
from hotline.secrets.sealed_state import UnusableState, open_state, seal_state
from hotline.storage.cleaning import clean_picture
from hotline.storage.file_types import FIRST_BYTES, media_type_of, plain_name
from hotline.storage.files import MAX_FILE_BYTES, store_file
from hotline.storage.picture_metadata import CLEANED_TYPES
from hotline.tickets.attachments import NewFile, attach
from hotline.tickets.context import Services
from hotline.tickets.store import history
from hotline.web.idempotency import RequestKey, load_earlier_answer

MOST_OF_TICKET = 30  # files of a ticket, with those of staff: residents add no more
SHOWN_FOR = timedelta(minutes=30)  # how long an address of a photo holds, behind which no code is asked for
_PURPOSE, _LONGEST_ADDRESS = "photo for a resident", 600
_FOR_ADDRESSES, _OF_ADDRESSES = str.maketrans("+/", "-_"), str.maketrans("-_", "+/")
log = structlog.get_logger("hotline.public")


class PhotoUpload(Protocol):
    """A file of a form, which lies on disk until it is read."""

    filename: str | None

    async def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class SentPhotos:
    """The photos of a form, and the address they came from. `few`: how many of all are in memory at once."""

    files: Sequence[PhotoUpload] = ()
    address: str | None = None
    few: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    def __len__(self) -> int:
        return len(self.files)


NO_PHOTOS = SentPhotos()


@dataclass(frozen=True, slots=True)
class _Cleaned:
    """The bytes that are stored, to be read more than once."""

    data: BytesIO

    async def read(self, size: int, /) -> bytes:
        return self.data.read(size)

    async def seek(self, offset: int, /) -> None:
        self.data.seek(offset)


async def attach_photos(services: Services, number: str, photos: SentPhotos, request: WriteRequest) -> int:
    """Attach the first MOST_PHOTOS photos to a ticket, each once for the key of the request; how many. One that cannot
    be taken costs the report nothing: no picture, too many of its address, or its ticket has enough."""
    attached = 0
    for place, photo in enumerate(photos.files[:MOST_PHOTOS]):
        key = RequestKey(request.key.owner, item_key("photo", request.key.key, place), "resident photo")
        try:
            if await load_earlier_answer(services, key) is None:
                if len(await history.load_attachments(services.db, number)) >= MOST_OF_TICKET:
                    raise ValueError("the ticket has enough")
                if await spend_photo(services, photos.address, request.now):
                    raise ValueError("too many from one address")
                async with photos.few:
                    await _attach_photo(services, number, photo, replace(request, key=key))
        except Refused as refused:
            log.info("photo.refused", code=refused.refusal.code)
        except ValueError:
            log.info("photo.refused", code=Code.UNSUPPORTED_MEDIA)
        else:
            attached += 1
    return attached


async def _attach_photo(services: Services, number: str, photo: PhotoUpload, request: WriteRequest) -> None:
    """Raises ValueError for what is no picture of which place and device can be removed."""
    data = await photo.read(MAX_FILE_BYTES + 1)
    media_type = media_type_of(data[:FIRST_BYTES])
    if media_type not in CLEANED_TYPES or len(data) > MAX_FILE_BYTES:
        raise ValueError("no picture that is taken")
    sent = _Cleaned(BytesIO(await clean_picture(data, media_type)))
    stored = await store_file(services.files, sent.read, media_type)
    name = plain_name(photo.filename, "photo")
    await attach(services, number, NewFile(stored, name, sent), request, lambda file: str(file.id))


def photo_address(secret: bytes, number: str, photo: str, now: datetime) -> str:
    """What stands in the address of a photo: which one and until when, sealed. It tells neither number nor code."""
    sealed = seal_state(secret, _PURPOSE, (), (number, photo), now + SHOWN_FOR)
    return sealed.translate(_FOR_ADDRESSES).rstrip("=")


def photo_at(secret: bytes, address: str, now: datetime) -> tuple[str, str] | None:
    """The number of the ticket and the id of the photo. None: not sealed by us, or too old."""
    sealed = address[:_LONGEST_ADDRESS].translate(_OF_ADDRESSES)
    padding = "=" * (-len(sealed.rpartition(".")[2]) % 4)
    try:
        number, photo = open_state(secret, _PURPOSE, (), sealed + padding, now)
    except UnusableState:
        return None
    return str(number), str(photo)
