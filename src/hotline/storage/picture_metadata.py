"""Removes from a picture what its pixels do not show: place, time and device of a photo, comments, appended files. Of
what stood beside the pixels only which side is up is kept."""

import re
import zlib
from collections.abc import Iterator

from hotline.storage.file_types import JPEG, PNG

CLEANED_TYPES = (JPEG, PNG)
# a picture of a camera has a few dozen segments, one of a web page a few thousand chunks: more is made to cost time
MOST_SEGMENTS, MOST_FILLERS, MOST_CHUNKS = 1_000, 16, 20_000
# besides what decodes: APP0 (JFIF), APP2 (colour profile, by its name), APP14 (how colours are stored)
_DROPPED = frozenset({*range(0xE1, 0xF0), 0xFE}) - {0xE2, 0xEE}
_PROFILE, _EXIF = b"ICC_PROFILE\x00", b"Exif\x00\x00"
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_KEPT_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB"})
_FILLERS = re.compile(rb"\xff*")
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)  # not a byte of the pixels, nor a restart among them
_AT_ONCE = 1 << 16  # bytes: a search holds the interpreter while it runs, and other threads take turns between two
_ORIENTATION, _SHORT, _MOST_TAGS = 0x0112, 3, 200


def without_metadata(data: bytes, media_type: str) -> bytes:
    """The picture, JPEG or PNG, to be seen as before; what follows its end is cut off. Raises ValueError where it is no
    whole picture of this type, or one of more pieces than any camera makes."""
    pieces = _jpeg_pieces(data) if media_type == JPEG else _png_pieces(data) if media_type == PNG else None
    if pieces is None:
        raise ValueError(f"nothing is removed from {media_type}")
    return b"".join(pieces)


def _jpeg_pieces(data: bytes) -> Iterator[bytes]:
    if not data.startswith(b"\xff\xd8"):
        raise ValueError("no JPEG")
    yield data[:2]
    place, turned = 2, False
    for _ in range(MOST_SEGMENTS):
        place, marker = _marker_at(data, place)
        if marker == 0xD9:
            yield b"\xff\xd9"
            return
        if marker in _WITHOUT_LENGTH:
            place += 2
            continue
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4])
        if marker < 0xC0 or end < place + 4 or end > len(data):
            raise ValueError("a broken JPEG")
        segment = data[place:end]
        if marker not in _DROPPED and (marker != 0xE2 or segment[4:].startswith(_PROFILE)):
            yield segment
        elif marker == 0xE1 and not turned and (side := _side_up(segment[4:])):
            turned = True
            yield _segment_of(side)
        place = end
        if marker == 0xDA:
            scanned = _end_of_scan(data, place)
            yield data[place:scanned]
            place = scanned
    raise ValueError("a JPEG of too many segments")


def _marker_at(data: bytes, place: int) -> tuple[int, int]:
    """Where the marker begins that stands here, perhaps behind fillers, and which it is."""
    found = _FILLERS.match(data, place, min(len(data), place + MOST_FILLERS + 2))
    fillers = found.end() - place - 1 if found else -1
    if not 0 <= fillers <= MOST_FILLERS or place + fillers + 2 > len(data):
        raise ValueError("a broken JPEG")
    return place + fillers, data[place + fillers + 1]


def _end_of_scan(data: bytes, place: int) -> int:
    """Where the next marker stands behind compressed pixels."""
    for start in range(place, len(data), _AT_ONCE):
        found = _MARKER_IN_SCAN.search(data, start, min(len(data), start + _AT_ONCE + 1))
        if found:
            return found.start()
    raise ValueError("a JPEG without an end")


def _png_pieces(data: bytes) -> Iterator[bytes]:
    yield data[:8]
    place = 8
    for _ in range(MOST_CHUNKS):
        end = place + 12 + int.from_bytes(data[place : place + 4])
        kind = data[place + 4 : place + 8]
        if place + 12 > len(data) or end > len(data):
            break
        if kind in _KEPT_CHUNKS:
            yield data[place:end]
        elif kind == b"eXIf" and (side := _side_up(_EXIF + data[place + 8 : end - 4])):
            yield _chunk_of(side)
        if kind == b"IEND":
            return
        place = end
    raise ValueError("a PNG without an end")


def _side_up(exif: bytes) -> int | None:
    """How the picture is turned or mirrored to be seen upright: 2 to 8. None: as it is, or nothing that can be read."""
    tiff = exif[len(_EXIF) :]
    order = {b"II*\x00": "little", b"MM\x00*": "big"}.get(tiff[:4])
    if not exif.startswith(_EXIF) or order is None:
        return None

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if order == "little" else "big")

    start = number(4, 4)
    for tag in range(start + 2, start + 2 + 12 * min(number(start, 2), _MOST_TAGS), 12):
        if number(tag, 2) == _ORIENTATION and number(tag + 2, 2) == _SHORT:
            return side if 2 <= (side := number(tag + 8, 2)) <= 8 else None
    return None


def _tiff_of(side: int) -> bytes:
    return b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + bytes((side,)) + b"\x00" * 6


def _segment_of(side: int) -> bytes:
    body = _EXIF + _tiff_of(side)
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body


def _chunk_of(side: int) -> bytes:
    body = b"eXIf" + _tiff_of(side)
    return (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
