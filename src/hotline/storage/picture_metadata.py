"""Removes from a picture what its pixels do not show: place, time and device of a photo, comments, appended files."""

from collections.abc import Iterator

from hotline.storage.file_types import JPEG, PNG

CLEANED_TYPES = (JPEG, PNG)
# besides what decodes: APP0 (JFIF), APP2 (colour profile, by its name), APP14 (how colours are stored)
_DROPPED = frozenset({*range(0xE1, 0xF0), 0xFE}) - {0xE2, 0xEE}
_PROFILE = b"ICC_PROFILE\x00"
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_KEPT_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB"})


def without_metadata(data: bytes, media_type: str) -> bytes:
    """The picture, JPEG or PNG, to be seen as before; what follows its end is cut off. Raises ValueError where it is no
    whole picture of this type."""
    pieces = _jpeg_pieces(data) if media_type == JPEG else _png_pieces(data) if media_type == PNG else None
    if pieces is None:
        raise ValueError(f"nothing is removed from {media_type}")
    return b"".join(pieces)


def _jpeg_pieces(data: bytes) -> Iterator[bytes]:
    if not data.startswith(b"\xff\xd8"):
        raise ValueError("no JPEG")
    yield data[:2]
    place = 2
    while True:
        if data[place : place + 1] != b"\xff" or place + 4 > len(data) + 2:
            raise ValueError("a broken JPEG")
        marker = data[place + 1] if place + 1 < len(data) else -1
        if marker == 0xFF:  # a filler
            place += 1
        elif marker == 0xD9:
            yield b"\xff\xd9"
            return
        elif marker in _WITHOUT_LENGTH:
            place += 2
        else:
            end = place + 2 + int.from_bytes(data[place + 2 : place + 4])
            if marker < 0xC0 or end < place + 4 or end > len(data):
                raise ValueError("a broken JPEG")
            segment = data[place:end]
            if marker not in _DROPPED and (marker != 0xE2 or segment[4:].startswith(_PROFILE)):
                yield segment
            place = end
            if marker == 0xDA:
                scanned = _end_of_scan(data, place)
                yield data[place:scanned]
                place = scanned


def _end_of_scan(data: bytes, place: int) -> int:
    """Where the next marker stands behind compressed pixels."""
    while (place := data.find(b"\xff", place)) >= 0 and place + 1 < len(data):
        following = data[place + 1]
        if following != 0 and not 0xD0 <= following <= 0xD7:
            return place
        place += 2
    raise ValueError("a JPEG without an end")


def _png_pieces(data: bytes) -> Iterator[bytes]:
    yield data[:8]
    place = 8
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4])
        kind = data[place + 4 : place + 8]
        if end > len(data):
            break
        if kind in _KEPT_CHUNKS:
            yield data[place:end]
        if kind == b"IEND":
            return
        place = end
    raise ValueError("a PNG without an end")
