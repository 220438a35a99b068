"""Open311 answers as written: one plain tree, as XML without a single attribute, or as JSON in the Spark mapping."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import orjson

XML, JSON = "text/xml; charset=utf-8", "application/json; charset=utf-8"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold


@dataclass(frozen=True, slots=True)
class Listed:
    """Things of one name in a container: `<services><service>…`, or an array."""

    container: str
    item: str
    things: Sequence[Any]


@dataclass(frozen=True, slots=True)
class One:
    """One thing at the root: `<discovery>…`, or an object."""

    name: str
    thing: Mapping[str, Any]


def written(answer: Listed | One, form: str) -> tuple[bytes, str]:
    """The document and its content type."""
    if form == "json":
        plain = [_plain(t) for t in answer.things] if isinstance(answer, Listed) else _plain(answer.thing)
        return orjson.dumps(plain), JSON
    lines = "".join(_root(answer))
    return f'<?xml version="1.0" encoding="utf-8"?>\n{lines}\n'.encode(), XML


def _root(answer: Listed | One) -> Iterator[str]:
    if isinstance(answer, One):
        yield from _element(answer.name, answer.thing)
    else:
        yield from _list(answer)


def _list(listed: Listed) -> Iterator[str]:
    yield f"<{listed.container}>"
    for thing in listed.things:
        yield from _element(listed.item, thing)
    yield f"</{listed.container}>"


def _element(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield f"<{name}>"
        for key, inner in value.items():
            yield from _list(inner) if isinstance(inner, Listed) else _element(key, inner)
        yield f"</{name}>"
    else:
        yield f"<{name}>{_text(value)}</{name}>"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(_ILLEGAL.sub("", str(value)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, Listed):
        return [_plain(thing) for thing in value.things]
    return _ILLEGAL.sub("", value) if isinstance(value, str) else value
