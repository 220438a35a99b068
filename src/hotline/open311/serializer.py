"""Open311 replies as JSON, and as XML without a single attribute.

The same types make both: an object is an element for each field, and the items of a list are named by the field without
its plural s (`values`, `value`)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from html import escape
from typing import Any

import orjson

XML, JSON = "text/xml; charset=utf-8", "application/json; charset=utf-8"
CSV = "text/csv; charset=utf-8"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold
_SUSPECT = re.compile(rb"\\[bfu]|\xef\xbf[\xbe\xbf]")  # how JSON writes such characters, and some others


@dataclass(frozen=True, slots=True)
class ListDocument:
    """Replies of one kind in a container: `<services><service>…`, or an array."""

    container: str
    item: str
    replies: Sequence[Any]


@dataclass(frozen=True, slots=True)
class ObjectDocument:
    """One reply at the root: `<discovery>…`, or an object."""

    name: str
    reply: Any


Document = ListDocument | ObjectDocument


def rendered(document: Document, form: str) -> tuple[bytes, str]:
    """The document as `json` or `xml`, and its content type."""
    if form == "json":
        return _json(document.replies if isinstance(document, ListDocument) else document.reply), JSON
    if isinstance(document, ListDocument):
        elements = "".join(_list(document.container, document.item, document.replies))
    else:
        elements = "".join(_element(document.name, document.reply))
    return f'<?xml version="1.0" encoding="utf-8"?>\n{elements}\n'.encode(), XML


def _json(replies: Any) -> bytes:
    """Without what XML cannot hold, so that both formats say the same. Such characters are rare: replies are searched
    for them only where they may be."""
    try:
        found = orjson.dumps(replies)
    except TypeError:  # a surrogate
        return orjson.dumps(_json_value(replies))
    return orjson.dumps(_json_value(replies)) if _SUSPECT.search(found) else found


def _json_value(value: Any) -> Any:
    if isinstance(value, str):
        return _ILLEGAL.sub("", value)
    if isinstance(value, list | tuple):
        return [_json_value(each) for each in value]
    return {key: _json_value(inner) for key, inner in vars(value).items()} if is_dataclass(value) else value


def _list(container: str, item: str, things: Sequence[Any]) -> Iterator[str]:
    yield f"<{container}>"
    for thing in things:
        yield from _element(item, thing)
    yield f"</{container}>"


def _element(name: str, value: Any) -> Iterator[str]:
    if value is None or isinstance(value, str | int | float):
        yield f"<{name}>{_text(value)}</{name}>"
    elif isinstance(value, list | tuple):
        yield from _list(name, name.removesuffix("s"), value)
    else:
        yield f"<{name}>"
        for key, inner in vars(value).items():
            yield from _element(key, inner)
        yield f"</{name}>"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(_ILLEGAL.sub("", str(value)))
