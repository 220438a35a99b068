"""The far side of Open311 as the tests play it: a client that judges every answer it gets, Perl's XML::Simple as
FixMyStreet sets it up, and the JSON Schemas of GeoReport v2 written as shapes."""

import json
import math
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import httpx

XML, JSON = "text/xml; charset=utf-8", "application/json; charset=utf-8"
KINDS = {"xml": XML, "json": JSON}
FORMS = ("json", "xml")


def stamp(at: datetime) -> str:
    """The moment as it goes over the wire: whole seconds, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- XML to the JSON it must equal (Spark): the root falls away, a list container is an array ---

LISTS = {  # container -> what it holds; None: anything of one name
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "endpoints": "endpoint",
    "formats": "format",
    "errors": "error",
    "notes": None,
}
FLAGS = {"metadata", "variable", "required"}
NUMBERS = {"lat", "long"}


def plain_xml(text: str) -> ET.Element:
    """The root of a clean document: declared as UTF-8, no namespace, no attribute on any element."""
    assert re.match(r'<\?xml version="1\.0" encoding="utf-8"\s*\?>', text, re.IGNORECASE), text[:80]
    root = ET.fromstring(text.encode())
    for element in root.iter():
        assert not element.attrib, f"<{element.tag}> carries {element.attrib}"
        assert re.fullmatch(r"[A-Za-z_][\w.-]*", element.tag), f"<{element.tag}> is a foreign tag"
    assert not re.search(r"<\w[^>]*\bxmlns\b", text), "a namespace"
    return root


def spark(text: str) -> Any:
    root = plain_xml(text)
    grown = _grown(root)
    if root.tag == "errors":
        return [{**error, "code": int(error["code"])} for error in grown]
    return grown


def _grown(element: ET.Element) -> Any:
    if element.tag in LISTS:
        tags = {child.tag for child in element}
        assert len(tags) <= 1, f"<{element.tag}> holds {tags}"
        assert LISTS[element.tag] is None or tags <= {LISTS[element.tag]}, f"<{element.tag}> holds {tags}"
        return [_grown(child) for child in element]
    if len(element):
        assert len({child.tag for child in element}) == len(element), f"<{element.tag}> says one thing twice"
        return {child.tag: _grown(child) for child in element}
    return _typed(element.tag, element.text)


def _typed(tag: str, text: str | None) -> Any:
    if text is None or not text.strip():
        return None
    if tag in FLAGS:
        return {"true": True, "false": False}[text]
    if tag in NUMBERS:
        return float(text)
    return int(text) if tag == "order" else text


def lean(thing: Any) -> Any:
    """Without what is not there: null, an empty list and a missing element say the same."""
    if isinstance(thing, dict):
        return {name: lean(value) for name, value in thing.items() if value not in (None, [], {})}
    return [lean(value) for value in thing] if isinstance(thing, list) else thing


# --- Perl XML::Simple with FixMyStreet's options ---

FORCE = {"service", "attribute", "value", "request", "error", "request_update", "group"}
GROUPS = {"attributes": "attribute", "values": "value"}


def xml_simple(text: str) -> Any:
    """What FixMyStreet has in hand after parsing: an attribute turns a text into {name: …, content: …}."""
    return _collapsed(ET.fromstring(text.encode()))


def _collapsed(element: ET.Element) -> Any:
    found: dict[str, Any] = dict(element.attrib)
    said = (element.text or "") + "".join(child.tail or "" for child in element)
    for child in element:
        value = _collapsed(child)
        if child.tag in found:
            if not isinstance(found[child.tag], list):
                found[child.tag] = [found[child.tag]]
            found[child.tag].append(value)
        else:
            found[child.tag] = [value] if child.tag in FORCE else value
    if said.strip():
        if not found:
            return said
        found["content"] = said
    for name, value in found.items():
        if name in GROUPS and isinstance(value, dict) and list(value) == [GROUPS[name]]:
            found[name] = value[GROUPS[name]]
    return found or None  # SuppressEmpty => undef


# the parser in pure Perl breaks a character that lies across its buffer's end
PERL = """
use XML::Simple; use JSON::PP; $XML::Simple::PREFERRED_PARSER = 'XML::Parser'; binmode STDIN; local $/; my $text = <STDIN>;
my $simple = XML::Simple->new(ForceArray => [qw(service attribute value request error request_update group)],
    KeyAttr => {}, GroupTags => { attributes => 'attribute', values => 'value' }, SuppressEmpty => undef);
print JSON::PP->new->utf8->allow_nonref->encode($simple->parse_string($text));
"""


def perl_is_here() -> bool:
    try:
        return (
            subprocess.run(
                ["perl", "-MXML::Simple", "-MXML::Parser", "-MJSON::PP", "-e1"], capture_output=True
            ).returncode
            == 0
        )
    except FileNotFoundError:
        return False


def perl_simple(text: str) -> Any:
    """The real one."""
    return json.loads(subprocess.run(["perl", "-e", PERL], input=text.encode(), capture_output=True, check=True).stdout)


# --- the shapes of GeoReport v2 ---

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str)


def named(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def moment(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value))


def zoned(value: Any) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


def short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 4000


def anything(value: Any) -> bool:
    return True


def one_of(*words: str) -> Check:
    return lambda value: value in words


@dataclass(frozen=True)
class Shape:
    """`must` is there and right; `may` is missing, null or right; nothing else is there."""

    must: dict[str, Check]
    may: dict[str, Check] = field(default_factory=dict)

    def __call__(self, thing: Any) -> bool:
        assert isinstance(thing, dict), f"no object: {thing!r}"
        wrong = {name: thing.get(name) for name, right in self.must.items() if not right(thing.get(name))}
        for name, right in self.may.items():
            if thing.get(name) is not None and not right(thing[name]):
                wrong[name] = thing[name]
        assert not wrong, f"wrong or missing: {wrong} in {thing}"
        assert set(thing) <= set(self.must) | set(self.may), f"unknown: {set(thing) - set(self.must) - set(self.may)}"
        return True


def each(shape: Check) -> Check:
    return lambda value: isinstance(value, list) and all(shape(item) for item in value)


SERVICE = Shape(
    {
        "service_code": named,
        "service_name": named,
        "metadata": flag,
        "type": one_of("realtime", "batch", "blackbox"),
    },
    {"description": text, "keywords": text, "group": text},
)
ATTRIBUTE = Shape(
    {
        "code": named,
        "variable": flag,
        "datatype": one_of("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"),
        "required": flag,
        "order": whole,
    },
    {
        "description": text,
        "datatype_description": text,
        "values": each(Shape({"key": named, "name": named})),
        "automated": one_of("server_set", "hidden_field"),
    },
)
DEFINITION = Shape({"service_code": named, "attributes": each(ATTRIBUTE)})
REQUEST = Shape(
    {
        "service_request_id": named,
        "status": one_of("open", "closed"),
        "service_code": named,
        "requested_datetime": moment,
    },
    {
        **dict.fromkeys(("status_notes", "service_name", "agency_responsible", "service_notice"), text),
        **dict.fromkeys(("address", "address_id", "zipcode", "media_url"), text),
        **dict.fromkeys(("updated_datetime", "expected_datetime"), moment),
        **dict.fromkeys(("lat", "long"), number),
        "description": short,
    },
)
EXTENDED = Shape(
    REQUEST.must,
    {
        **REQUEST.may,
        "attributes": lambda value: isinstance(value, list),
        "extended_attributes": anything,
        "notes": lambda value: isinstance(value, list),
    },
)
TAKEN = Shape({}, {"service_request_id": named, "token": named, "service_notice": text, "account_id": text})
AWAITED = Shape({"token": named}, {"service_request_id": named})
UPDATE = Shape(
    {"update_id": named, "service_request_id": named, "status": named, "updated_datetime": moment, "description": text},
    dict.fromkeys(("media_url", "external_status_code", "customer_reference", "fixmystreet_id"), text),
)
UPDATED = Shape({"update_id": named}, {"service_request_id": text, "token": text})
DISCOVERY = Shape(
    {
        "changeset": zoned,
        "contact": named,
        "key_service": named,
        "endpoints": each(
            Shape(
                {
                    "specification": one_of("http://wiki.open311.org/GeoReport_v2"),
                    "url": named,
                    "changeset": zoned,
                    "type": one_of("production", "test"),
                    "formats": lambda value: isinstance(value, list) and {"text/xml"} <= set(value),
                }
            )
        ),
    }
)
ERROR = Shape({"code": whole, "description": named})


def _taken(thing: Any) -> bool:
    TAKEN(thing)
    assert not (thing.get("service_request_id") and thing.get("token")), f"id and token: {thing}"
    return True


def _definition(thing: Any) -> bool:
    DEFINITION(thing)
    orders = [a["order"] for a in thing["attributes"]]
    assert len(set(orders)) == len(orders) and all(order >= 1 for order in orders), orders
    for a in thing["attributes"]:
        assert bool(a.get("values")) == a["datatype"].endswith("list"), a
    return True


@dataclass(frozen=True)
class Document:
    root: str
    right: Check


ASKED = {  # what a GET of it answers
    "discovery": Document("discovery", DISCOVERY),
    "services": Document("services", each(SERVICE)),
    "services/": Document("service_definition", _definition),
    "requests": Document("service_requests", each(REQUEST)),
    "requests/": Document("service_requests", each(REQUEST)),
    "requests+": Document("service_requests", each(EXTENDED)),
    "tokens/": Document("service_requests", each(AWAITED)),
    "servicerequestupdates": Document("service_request_updates", each(UPDATE)),
}
POSTED = {
    "requests": Document("service_requests", each(_taken)),
    "servicerequestupdates": Document("service_request_updates", each(UPDATED)),
}
WRONG = Document("errors", each(ERROR))


def told(reply: httpx.Response) -> Any:
    """The JSON of an answer, or the JSON its XML stands for."""
    return spark(reply.text) if reply.headers["content-type"] == XML else reply.json()


def judged(reply: httpx.Response, document: Document, form: str, expect: int) -> httpx.Response:
    """The answer, if status, content type and every word of it are right."""
    assert reply.status_code == expect, f"{reply.request.method} {reply.request.url}: {reply.status_code} {reply.text}"
    assert reply.headers["content-type"] == KINDS[form], reply.headers["content-type"]
    if form == "xml":
        assert plain_xml(reply.text).tag == document.root
    said = told(reply)
    assert document.right(said), said
    if document is WRONG:
        assert said, "an error without a word"
    return reply


BASE = "/open311/v2"


@dataclass
class Far:
    """A client that trusts nothing: whatever it asks, the answer is held against the shapes above."""

    http: httpx.AsyncClient
    key: str

    async def ask(self, what: str, form: str = "json", /, *, expect: int = 200, **params: Any) -> httpx.Response:
        reply = await self.http.get(f"{BASE}/{what}.{form}", params=params)
        noun, _, one = what.partition("/")
        kind = f"{noun}/" if one else f"{noun}+" if params.get("extensions") else noun
        if one and params.get("extensions"):
            kind = f"{noun}+"
        return judged(reply, ASKED[kind] if expect < 400 else WRONG, form, expect)

    async def get(self, what: str, form: str = "json", /, *, expect: int = 200, **params: Any) -> Any:
        return told(await self.ask(what, form, expect=expect, **params))

    async def both(self, what: str, /, *, expect: int = 200, **params: Any) -> Any:
        """The JSON, once the XML has said the same."""
        one, other = [await self.get(what, form, expect=expect, **params) for form in FORMS]
        assert lean(one) == lean(other)
        return one

    async def fms(self, what: str, /, **params: Any) -> Any:
        """What FixMyStreet reads."""
        return xml_simple((await self.ask(what, "xml", **params)).text)

    async def send(
        self,
        fields: dict[str, Any],
        form: str = "json",
        /,
        *,
        what: str = "requests",
        expect: int = 200,
        key: str | None = "ours",
        query: dict[str, str] | None = None,
        files: Any = None,
    ) -> httpx.Response:
        """POST a form with our key in it; `key` another one, or None for none at all."""
        keyed = {} if key is None else {"api_key": self.key if key == "ours" else key}
        reply = await self.http.post(f"{BASE}/{what}.{form}", data={**fields, **keyed}, params=query, files=files)
        return judged(reply, POSTED[what] if expect < 400 else WRONG, form, expect)

    async def post(self, fields: dict[str, Any], form: str = "json", /, **how: Any) -> Any:
        """The one entry of the answer, or the list of errors."""
        said = told(await self.send(fields, form, **how))
        if how.get("expect", 200) >= 400:
            return said
        assert len(said) == 1, said
        return said[0]

    async def update(self, fields: dict[str, Any], form: str = "json", /, **how: Any) -> Any:
        return await self.post(fields, form, what="servicerequestupdates", **how)
