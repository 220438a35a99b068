"""Reading what gateways push: forms, JSON, character sets, times, and the keys by which an item is known again."""

import base64
import hashlib
import json
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes
from zoneinfo import ZoneInfo

import orjson

from hotline.text.charsets import decode_text, escape_bytes, escaped_as_bytes, has_escaped_bytes, possible_readings
from hotline.text.normalisation import replace_lone_surrogates

UNKNOWN_CHARSET = "it is in no character set that can be read"
MAX_KEY_LENGTH = 80
MAX_BATCH_ITEMS = 1000  # of one batch


def parse_pairs(raw: bytes, charset: str | None = None) -> list[tuple[str, str]]:
    """The pairs of a form or a query, in order, blank ones kept. `charset`: the declared one. A value in no character
    set that can be read keeps its bytes as escapes (`text/charsets`). Raises ValueError where there are more pairs than
    a form has."""
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=500)
    return [(_form_text(name, charset), _form_text(value, charset)) for name, value in pairs]


def signed_pairs(raw: bytes) -> list[tuple[str, str]]:
    """The same as they were signed: UTF-8, each byte that is none as an escape. Encode with `surrogateescape`."""
    return parse_qsl(raw.decode("latin-1"), keep_blank_values=True, errors="surrogateescape", max_num_fields=500)


def _form_text(text: str, charset: str | None) -> str:
    return text if text.isascii() and charset is None else _text_of(text.encode("latin-1"), charset)


def _text_of(raw: bytes, charset: str | None = None) -> str:
    found = decode_text(raw, charset)
    return escape_bytes(raw) if found is None else found.text


def parse_json(body: bytes, charset: str | None = None) -> Any:
    """A JSON body, with U+FFFD for each lone surrogate and without a byte order mark. `charset`: the declared one. If
    some of its texts are in no character set that can be read, those keep their bytes as escapes. Raises ValueError."""
    body = body.removeprefix(BOM_UTF8)
    try:
        if charset is not None and (declared := decode_text(body, charset)) is not None:
            body = declared.text.encode()
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        escaped = escape_bytes(body)
        if b"\\ud" not in body.lower() and not has_escaped_bytes(escaped):
            raise
    try:
        if has_escaped_bytes(escaped):
            whole = decode_text(body) if b"\x00" in body else None  # UTF-16
            return _decode_data(json.loads(escaped if whole is None else whole.text))
        return clean_data(json.loads(body))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _decode_data(value: Any) -> Any:
    """Data whose texts may hold escaped bytes, each text in its own character set."""
    if isinstance(value, str):
        return _text_of(escaped_as_bytes(value)) if has_escaped_bytes(value) else replace_lone_surrogates(value)
    if isinstance(value, dict):
        return {_decode_data(k): _decode_data(v) for k, v in value.items()}
    return [_decode_data(v) for v in value] if isinstance(value, list) else value


def readable(text: str) -> str:
    """The text itself. Raises ValueError where it holds bytes in no character set that can be read."""
    if has_escaped_bytes(text):
        raise ValueError(UNKNOWN_CHARSET)
    return text


def first_text(item: Mapping[str, Any], *names: str) -> str:
    """The first of these that is there, as text: ids come as numbers too. Raises ValueError where none is, and where
    it is in no character set that can be read."""
    for name in names:
        value = item.get(name)
        if isinstance(value, bool) or value is None or isinstance(value, dict | list):
            continue
        if isinstance(value, float):
            return str(int(value)) if value.is_integer() else str(value)
        return readable(str(value))
    raise ValueError(f"{names[0]} is missing")


def optional_text(item: Mapping[str, Any], name: str) -> str:
    """The same of what may be missing: then empty."""
    value = item.get(name)
    return "" if value is None or isinstance(value, bool | dict | list) else first_text(item, name)


def parse_batch(body: bytes, charset: str | None = None) -> list[Any]:
    """A batch: an array, or the one object some callers send. `charset`: the declared one. Raises ValueError."""
    found = parse_json(body, charset)
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
    """One item of a batch, as JSON. Bytes that are no text stand in it as escapes."""
    try:
        return raw_text(orjson.dumps(item, default=str))
    except TypeError:
        return json.dumps(item, default=str)


def unreadable_reason(fault: Exception) -> str:
    """Why an item cannot be read, for an operator: never in the words of a program, nor with what was sent."""
    if isinstance(fault, json.JSONDecodeError):
        return "not to be read: no JSON"
    if isinstance(fault, KeyError):
        return f"not to be read: {fault.args[0]} is missing"
    return f"not to be read: {fault}"[:200] if isinstance(fault, ValueError) else "not to be read: no object"


def readable_text(kept: str) -> str:
    """What words may stand in something kept raw that nobody can read whole: in whatever charset, with the escapes of
    JSON and of forms undone, each value on a line of its own. To look for danger words in."""
    raw = base64.b64decode(kept[7:]) if kept.startswith("base64:") else kept.encode("utf-8", "replace")
    found = possible_readings(raw)
    if "%" in found:
        found += "\n" + possible_readings(unquote_to_bytes(found.replace("+", " ")))
    found = _ESCAPED.sub(_unescape, _ESCAPED.sub(_unescape, found))  # twice: JSON may stand in JSON
    if has_escaped_bytes(found):
        found = "\n".join(
            possible_readings(escaped_as_bytes(line)) if has_escaped_bytes(line) else line for line in found.split("\n")
        )
    return clean_text(found)


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
