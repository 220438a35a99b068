"""What is left of a photo: its pixels and which side is up. A crafted one costs next to nothing."""

import asyncio
import struct
import sys
import threading
import zlib
from hashlib import sha256
from pathlib import Path

import pytest

from hotline.storage import cleaning
from hotline.storage.cleaning import clean_picture, read_cleaned
from hotline.storage.file_types import JPEG, PNG
from hotline.storage.files import delete_aside, quarantine, set_aside, stored_path
from hotline.storage.picture_metadata import MOST_FILLERS, MOST_SEGMENTS, without_metadata

SCAN = b"\xff\xda\x00\x02"
END = b"\xff\xd9"
PIXELS = b"\x12\xff\x00\x34\xff\xd0\x56"


def exif(side: int, order: str = ">") -> bytes:
    """A camera's segment: place and device, and among them how it was held."""
    tags = ((0x010F, 2, 4, 0), (0x0112, 3, 1, side if order == "<" else side << 16), (0x8825, 4, 1, 26))
    tiff = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(f"{order}IH", 8, len(tags))
    tiff += b"".join(struct.pack(f"{order}HHII", *tag) for tag in tags) + b"GPS 30.69N Phone"
    return b"Exif\x00\x00" + tiff


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def steps(data: bytes, media_type: str) -> int:
    """How many lines of Python the cleaning runs, whether it ends in a picture or in a refusal."""
    count = 0

    def trace(*_: object) -> object:
        nonlocal count
        count += 1
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        without_metadata(data, media_type)
    except ValueError:
        pass
    finally:
        sys.settrace(None)
    return count


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_photo_keeps_which_side_is_up_and_nothing_else_of_the_phone(order: str) -> None:
    jfif, profile = segment(0xE0, b"JFIF\x00"), segment(0xE2, b"ICC_PROFILE\x00colours")
    told = segment(0xE1, exif(6, order)) + segment(0xE1, exif(3)) + segment(0xFE, b"a comment") + segment(0xE2, b"MPF")
    photo = (
        b"\xff\xd8" + jfif + told + profile + b"\xff\xff\xff" + SCAN[1:] + PIXELS + SCAN + PIXELS + END + b"appended"
    )
    clean = without_metadata(photo, JPEG)
    assert b"GPS" not in clean and b"Phone" not in clean and b"comment" not in clean and b"appended" not in clean
    kept = clean[len(b"\xff\xd8" + jfif) : clean.index(profile)]
    assert kept[:10] == b"\xff\xe1\x00\x22Exif\x00\x00" and kept[10:14] == b"MM\x00*" and len(kept) == 36
    assert struct.unpack(">HHIHH", kept[20:32]) == (0x0112, 3, 1, 6, 0)
    assert clean.endswith(profile + SCAN + PIXELS + SCAN + PIXELS + END)
    assert without_metadata(clean, JPEG) == clean
    straight = b"\xff\xd8" + segment(0xE1, exif(1, order)) + SCAN + PIXELS + END
    assert without_metadata(straight, JPEG) == b"\xff\xd8" + SCAN + PIXELS + END

    drawn = (chunk(b"IHDR", b"x" * 13), chunk(b"IDAT", b"pixels"), chunk(b"IEND"))
    screen = (
        b"\x89PNG\r\n\x1a\n"
        + drawn[0]
        + chunk(b"eXIf", exif(8, order)[6:])
        + chunk(b"tEXt", b"GPS")
        + drawn[1]
        + drawn[2]
    )
    clean = without_metadata(screen, PNG)
    assert b"GPS" not in clean and b"Phone" not in clean and clean.count(b"eXIf") == 1
    assert without_metadata(clean, PNG) == clean and clean.endswith(drawn[1] + drawn[2])


def test_what_is_no_whole_picture_is_refused() -> None:
    broken = (
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\x00\x00",
        b"\xff\xd8" + SCAN + PIXELS,
        b"\xff\xd8" + SCAN + PIXELS + b"\xff",
    )
    for data in (*broken, b"\xff\xd8" + segment(0xE1, b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")[:-2]):
        with pytest.raises(ValueError, match="JPEG"):
            without_metadata(data, JPEG)
    with pytest.raises(ValueError, match="PNG"):
        without_metadata(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR"), PNG)
    hostile = segment(0xE1, b"Exif\x00\x00MM\x00*\xff\xff\xff\xff") + segment(0xE1, b"Exif\x00\x00II*\x00\x00")
    assert without_metadata(b"\xff\xd8" + hostile + SCAN + END, JPEG) == b"\xff\xd8" + SCAN + END


def test_a_crafted_picture_of_ten_megabytes_costs_few_steps() -> None:
    size, head = 10 << 20, b"\xff\xd8"
    crafted = {
        "stuffed bytes": head + SCAN + b"\xff\x00" * (size // 2) + END,
        "fillers": head + b"\xff" * size + b"\xd9",
        "markers without a length": head + b"\xff\x01" * (size // 2) + END,
        "fillers in between": head + (b"\xff" * MOST_FILLERS + b"\xff\x01") * (size // 18) + END,
        "empty segments": head + b"\xff\xfe\x00\x02" * (size // 4) + END,
        "empty scans": head + SCAN * (size // 4) + END,
    }
    most = {name: steps(data, JPEG) for name, data in crafted.items()}
    most["chunks"] = steps(b"\x89PNG\r\n\x1a\n" + chunk(b"tEXt") * (size // 12) + chunk(b"IEND"), PNG)
    assert {name: count for name, count in most.items() if count > 300_000} == {}
    assert without_metadata(crafted["stuffed bytes"], JPEG) == crafted["stuffed bytes"]
    just = head + b"\xff\xfe\x00\x02" * (MOST_SEGMENTS - 1) + END
    assert without_metadata(just, JPEG) == head + END


async def test_a_stored_picture_is_cleaned_once_beside_the_loop_and_goes_with_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned: list[threading.Thread] = []

    def counted(data: bytes, media_type: str) -> bytes:
        cleaned.append(threading.current_thread())
        return without_metadata(data, media_type)

    monkeypatch.setattr(cleaning, "without_metadata", counted)
    photos = [b"\xff\xd8" + segment(0xFE, b"GPS %d" % n) + SCAN + PIXELS + END for n in range(2)]
    names = [sha256(photo).hexdigest() for photo in photos]

    def store() -> None:
        for name, photo in zip(names, photos, strict=True):
            stored_path(tmp_path, name).parent.mkdir(parents=True, exist_ok=True)
            stored_path(tmp_path, name).write_bytes(photo)

    store()
    seen = await asyncio.gather(*(read_cleaned(tmp_path, name, JPEG) for name in names * 3))
    await clean_picture(photos[0], JPEG)
    assert len(cleaned) == 3 and {thread.name.partition("_")[0] for thread in cleaned} == {"pictures"}
    assert not any(b"GPS" in each for each in seen) and len({thread.ident for thread in cleaned}) == 1
    quarantine(tmp_path, names[0])
    set_aside(tmp_path, names[1:])
    for name in names:  # neither the infected nor the deleted one is shown any more
        with pytest.raises(FileNotFoundError):
            await read_cleaned(tmp_path, name, JPEG)
    delete_aside(tmp_path, names, [])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
