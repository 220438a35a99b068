"""Bytes as text. The order: the character set that was declared; a byte order mark; UTF-8; GB18030; UTF-16BE. Each is
tried strictly, and the last two only count where they give Chinese: either turns nearly any bytes into some characters.
What fits none is never guessed into a text."""

import codecs
import json
import re
from functools import cache
from typing import NamedTuple

from hotline.text.normalisation import replace_lone_surrogates
from hotline.text.simplified import to_simplified

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# what providers call them; of UTF-16 without a mark RFC 2781 says that it is big-endian
_ALIASES = {
    "gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "ucs-2": "utf-16-be", "ucs2": "utf-16-be",
    "iso-10646-ucs-2": "utf-16-be", "utf-16": "utf-16-be", "utf16": "utf-16-be", "big5": "big5hkscs",
}  # fmt: skip
_NO_DECLARATION = frozenset({"", "8-bit", "binary", "unknown", "x-unknown"})
_CHARSETS = ("utf-8", "utf-16", "utf-32", "gb", "big5", "iso8859", "cp", "koi8", "ascii", "shift_jis", "euc", "mac")
_SINGLE_BYTE = frozenset({"iso8859-1", "cp1252", "iso8859-15", "ascii"})
_CUT_OFF = "\ufffd"  # for a character of which only the beginning came
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")  # as `errors="surrogateescape"` keeps a byte that is no text
_OTHER_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_WINDOWS = {ord(bytes([n]).decode("cp1252")): n for n in range(0x80, 0xA0) if n not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_AS_CHINESE_IS_WRITTEN = re.compile(
    "[\t\n\r\x20-\x7e\u00b7\u2014\u2018-\u201d\u2026\u2600-\u27bf\u3000-\u303f\u3400-\u9fff\uff00-\uffef\ufffd"
    "\U0001f000-\U0001faff]*+"
)
_SAMPLE = 2000  # characters by which a text is judged
_PRINTABLE = re.compile(b"[\x20-\x7e]")
_HAN, _HAN_RUN = re.compile("[\u3400-\u9fff]"), re.compile("[\u3400-\u9fff]{2,}")
_LONE_HAN = re.compile("(?<![\u3400-\u9fff])[\u3400-\u9fff](?![\u3400-\u9fff])")


class DecodedText(NamedTuple):
    text: str
    charset: str


@cache
def _common_characters() -> frozenset[str]:
    """GB 2312, level 1: the 3,755 common characters, rows B0 to D7. 400 kB, only where a character set is in doubt."""
    rows, places = range(0xB0, 0xD8), range(0xA1, 0xFF)
    return frozenset(bytes((row, place)).decode("gb2312", "ignore") for row in rows for place in places)


def decode_text(raw: bytes, declared: str | None = None) -> DecodedText | None:
    """Bytes as text, with U+FFFD for a character that was cut off, and the character set they are in. None: in none
    that can be read."""
    name = (declared or "").strip().strip("\"'").lower()
    if name not in _NO_DECLARATION and (found := _as_declared(raw, _ALIASES.get(name, name))):
        return found
    for mark, charset in _MARKS:
        if raw.startswith(mark) and (text := _strictly(raw, charset)) is not None:
            return DecodedText(text, charset.removesuffix("-sig"))
    if b"\x00" in raw and (found := _by_zeros(raw)):
        return found
    if (text := _strictly(raw, "utf-8")) is not None:
        return DecodedText(text, "utf-8")
    for charset in ("gb18030", "utf-16-be"):
        if (text := _strictly(raw, charset)) is not None and _is_chinese(text):
            return DecodedText(text, charset)
    return None


def repair_encoding(text: str) -> str:
    """A text that was read as ISO-8859-1 or Windows-1252 on its way, though it was UTF-8 or GB18030; any other as it
    is."""
    if text.isascii() or (raw := _single_bytes(text)) is None:
        return text
    if (found := _strictly(raw, "utf-8")) is not None:
        return found
    found = _strictly(raw, "gb18030")
    return found if found is not None and _is_chinese(found) else text


def escape_bytes(raw: bytes) -> str:
    """UTF-8 in which each byte that is none is kept as an escape, for `has_escaped_bytes` and `escaped_as_bytes`."""
    return raw.decode("utf-8", "surrogateescape")


def has_escaped_bytes(text: str) -> bool:
    return not text.isascii() and _ESCAPED_BYTE.search(text) is not None


def escaped_as_bytes(text: str) -> bytes:
    """The bytes that `escape_bytes` was given."""
    return _OTHER_SURROGATE.sub(_CUT_OFF, text).encode("utf-8", "surrogateescape")


def show_escaped_bytes(text: str) -> str:
    """With each byte that is no text written out, as \\xC8, where people read it."""
    return _ESCAPED_BYTE.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02X}", text)


def possible_readings(raw: bytes) -> str:
    """What words may stand in bytes that cannot be read: by each character set of the order, one after the other, with
    U+FFFD for what does not fit or is no Chinese that anybody writes. To look for danger words in, never to be shown or
    kept as what was written."""
    if (found := decode_text(raw)) is not None:
        return found.text
    is_latin = 2 * len(_PRINTABLE.findall(raw)) > len(raw)  # in UTF-16 two Latin letters are one ideograph
    guessed = (raw.decode(charset, "replace") for charset in (("gb18030",) if is_latin else ("gb18030", "utf-16-be")))
    simple = (_LONE_HAN.sub(_CUT_OFF, to_simplified(text)) for text in guessed)
    return "\n".join((raw.decode("utf-8", "replace"), *(_HAN_RUN.sub(_if_common, text) for text in simple)))


def _if_common(run: re.Match[str]) -> str:
    """Simplified ideographs that stand together, if they are mostly common ones: Muñoz in GB18030 is Mu駉z."""
    common = sum(map(_common_characters().__contains__, run[0]))
    return run[0] if 3 * common >= 2 * len(run[0]) else _CUT_OFF


def _by_zeros(raw: bytes) -> DecodedText | None:
    """UTF-16 or UTF-32 that nobody declared: what is ASCII in it has zeros, which no text in another set has."""
    wide = json.detect_encoding(raw)
    if not wide.startswith("utf-8") and (text := _strictly(raw, wide)) is not None:
        return DecodedText(text, wide)
    for charset in ("utf-16-be", "utf-16-le"):
        if (text := _strictly(raw, charset)) is not None and _AS_CHINESE_IS_WRITTEN.fullmatch(text):
            return DecodedText(text, charset)
    return None


def _as_declared(raw: bytes, charset: str) -> DecodedText | None:
    try:
        canonical = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    if not canonical.startswith(_CHARSETS):
        return None  # Python's other codecs: zlib, base64, unicode_escape
    if canonical.startswith(("utf-16", "utf-32")):
        # a mark says more about the order of bytes than the name does
        charset = next((by_mark for mark, by_mark in _MARKS if raw.startswith(mark)), charset)
    text = _strictly(raw, charset)
    if text is None:
        return None
    if canonical in _SINGLE_BYTE:  # they take any bytes, and are often declared by who does not know
        return DecodedText(repair_encoding(text), charset)
    return DecodedText(text, charset.removesuffix("-sig"))


def _strictly(raw: bytes, charset: str) -> str | None:
    """By this character set alone. None: it does not fit. Halves of characters are told from what does not fit: the
    last one may be cut off where a whole one stands before it ("café" of ISO-8859-1 is no UTF-8), and UTF-16 may hold
    half of an emoji."""
    is_wide = charset.startswith(("utf-16", "utf-32"))
    halves = "surrogatepass" if is_wide else "strict"
    try:
        decoder = codecs.getincrementaldecoder(charset)(halves)
        text = decoder.decode(raw)
        rest = decoder.getstate()[0]
    except (UnicodeError, LookupError, TypeError):
        return None
    if rest and not is_wide and (text.isascii() or rest == b"\xff"):  # no character of GB18030 begins so
        return None
    return replace_lone_surrogates(text) + (_CUT_OFF if rest else "")


def _single_bytes(text: str) -> bytes | None:
    """The bytes of a text in which every character stands for one byte; None: it is no such text."""
    found = bytearray()
    for character in text:
        code = ord(character)
        byte = code if code < 0x100 else _WINDOWS.get(code)
        if byte is None:
            return None
        found.append(byte)
    return bytes(found)


def _is_chinese(text: str) -> bool:
    """Whether a text is Chinese, and not other bytes that look like it: nothing but ideographs, their punctuation and
    ASCII stand in it, and most ideographs are common ones (GB 2312, level 1): all of them where there are few, or more
    Latin letters."""
    if not _AS_CHINESE_IS_WRITTEN.fullmatch(text):
        return False
    sample = to_simplified(text[:_SAMPLE])
    han = _HAN.findall(sample)
    common = sum(map(_common_characters().__contains__, han))
    letters = sum(1 for c in sample if c.isascii() and c.isalpha())
    return bool(han) and (common == len(han) or (len(han) > max(3, letters) and 3 * common >= 2 * len(han)))
