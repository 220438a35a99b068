"""Reading what gateways push: forms, JSON, character sets, times, and the keys by which an item is known again."""

import base64
import hashlib
import json
import re
import unicodedata
from codecs import BOM_UTF8
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes
from zoneinfo import ZoneInfo

import orjson

from hotline.text.normalisation import replace_lone_surrogates

MAX_KEY_LENGTH = 80
MAX_BATCH_ITEMS = 1000  # of one batch


def parse_pairs(raw: bytes, encoding: str = "utf-8") -> list[tuple[str, str]]:
    return parse_qsl(
        raw.decode("latin-1"), keep_blank_values=True, encoding=encoding, errors="replace", max_num_fields=500
    )


def parse_json(body: bytes) -> Any:
    """A JSON body, with U+FFFD for each lone surrogate and without a byte order mark. Raises ValueError."""
    body = body.removeprefix(BOM_UTF8)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        if b"\\ud" not in body.lower():
            raise
    try:
        return clean_data(json.loads(body))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def first_text(item: Mapping[str, Any], *names: str) -> str:
    """The first of these that is there, as text: ids come as numbers too. Raises ValueError where none is."""
    for name in names:
        value = item.get(name)
        if isinstance(value, bool) or value is None or isinstance(value, dict | list):
            continue
        if isinstance(value, float):
            return str(int(value)) if value.is_integer() else str(value)
        return str(value)
    raise ValueError(f"{names[0]} is missing")


def parse_batch(body: bytes) -> list[Any]:
    """A batch: an array, or the one object some callers send. Raises ValueError."""
    found = parse_json(body)
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise ValueError("neither an array nor an object")
    if len(found) > MAX_BATCH_ITEMS:
        raise ValueError(f"more than {MAX_BATCH_ITEMS} items")
    return found


def item_key(*parts: Any) -> str:
    """A key that fits its column: the words themselves where they are short, else their hash."""
    plain = "|".join(str(w) for w in parts)
    if len(plain) <= MAX_KEY_LENGTH and plain.isprintable():
        return plain
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def hashed_key(*parts: Any) -> str:
    """Where the provider sends no id."""
    plain = "\x1f".join(str(w) for w in parts)
    return "sha256-" + hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def raw_text(raw: bytes) -> str:
    """Bytes as they came, in a form both databases take."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\x00"
    return text if "\x00" not in text else "base64:" + base64.b64encode(raw).decode()


def raw_item(item: Any) -> str:
    """One item of a batch, as JSON."""
    return raw_text(orjson.dumps(item, default=str))


def unreadable_reason(fault: Exception) -> str:
    """Why an item cannot be read, for an operator: never in the words of a program, nor with what was sent."""
    if isinstance(fault, json.JSONDecodeError):
        return "not to be read: no JSON"
    if isinstance(fault, KeyError):
        return f"not to be read: {fault.args[0]} is missing"
    return f"not to be read: {fault}"[:200] if isinstance(fault, ValueError) else "not to be read: no object"


def readable_text(kept: str) -> str:
    """The words in a raw item that cannot be parsed, in any charset, with the escapes of JSON
    and of forms undone, each value on a line of its own."""
    raw = base64.b64decode(kept[7:]) if kept.startswith("base64:") else kept.encode("utf-8", "replace")
    found = _decode_guessing(raw)
    if "%" in found:
        found += "\n" + _decode_guessing(unquote_to_bytes(found.replace("+", " ")))
    return clean_text(_ESCAPED.sub(_unescape, _ESCAPED.sub(_unescape, found)))  # twice: JSON may stand in JSON


def _decode_guessing(raw: bytes) -> str:
    wide = json.detect_encoding(raw)
    return raw.decode(wide, "replace") if wide.startswith(("utf-16", "utf-32")) else decode_text(raw, None)[0]


_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)|[\"&{}\[\]]")


def _unescape(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return {None: "\n", "n": "\n", "r": "\n", "t": " "}.get(found[2], found[2] or "")


def clean_text(text: str) -> str:
    """What a database and a screen can take: no NUL, no half of a character; nothing else is touched."""
    return replace_lone_surrogates(text.replace("\x00", ""))


def clean_data(value: Any) -> Any:
    """The same for everything in plain data."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(k)): clean_data(v) for k, v in value.items()}
    return [clean_data(v) for v in value] if isinstance(value, list | tuple) else value


def repair_encoding(text: str) -> str:
    """A text that was read as ISO-8859-1 on its way, though it was UTF-8 or GBK; any other as it is."""
    if not text or not any("\x80" <= c <= "\xff" for c in text) or any(c > "\xff" for c in text):
        return text
    raw = text.encode("latin-1")
    for charset in ("utf-8", "gb18030"):
        try:
            found = raw.decode(charset)
        except UnicodeDecodeError:
            continue
        if any(unicodedata.name(c, "").startswith("CJK") for c in found) or charset == "utf-8":
            return found
    return text


def decode_text(raw: bytes, charset: str | None) -> tuple[str, str]:
    """Bytes as text, and the charset they turned out to be in: the one that is named where it fits, else by trial."""
    named = (charset or "").strip().strip("\"'").lower()
    named = {"8-bit": "", "gb2312": "gb18030", "gbk": "gb18030", "ucs-2": "utf-16-be", "utf-16": "utf-16-be"}.get(
        named, named
    )
    tried = [named] if named and named not in ("iso-8859-1", "latin-1", "latin1") else []
    for candidate in (*tried, "utf-8", "gb18030"):
        try:
            return raw.decode(candidate), candidate
        except (UnicodeDecodeError, LookupError):
            continue
    if len(raw) % 2 == 0:
        try:
            return raw.decode("utf-16-be"), "utf-16-be"
        except UnicodeDecodeError:
            pass
    return raw.decode("latin-1"), "latin-1"


def parse_local_time(text: str, zone: ZoneInfo) -> datetime:
    """A naive "YYYY-MM-DD HH:MM:SS" of the provider's zone. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    if not 1900 < moment.year < 2200:
        raise ValueError("no year of ours")
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def unparsed_time(value: Any, parsed: datetime | None) -> str | None:
    """How a time was written that is there and cannot be read."""
    return None if parsed is not None or value is None or not str(value).strip() else str(value)[:80]


def parse_unix_time(seconds: Any) -> datetime | None:
    try:
        found = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return found if 1900 < found.year < 2200 else None
