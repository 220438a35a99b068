"""Bytes as text: what was declared first, then what fits strictly, else nothing."""

import pytest

from hotline.delivery.payloads import parse_json, parse_pairs, raw_item, readable_text
from hotline.text.charsets import (
    decode_text,
    escape_bytes,
    escaped_as_bytes,
    has_escaped_bytes,
    repair_encoding,
    show_escaped_bytes,
)

GAS = "燃气泄漏，快来人"
GERMAN, SPANISH = "Größe der Lücke im Fußweg", "Señor Muñoz"
MARK_LE, MARK_BE = b"\xff\xfe", b"\xfe\xff"


@pytest.mark.parametrize(
    ("raw", "declared", "text"),
    [
        (GAS.encode(), None, GAS),
        (GAS.encode(), "UTF-8", GAS),
        (GAS.encode("gbk"), "GBK", GAS),
        (GAS.encode("gbk"), '"gb2312"', GAS),
        (GAS.encode("gbk"), "8-BIT", GAS),
        (GAS.encode("gbk"), None, GAS),
        (GAS.encode("gbk"), "UTF-8", GAS),  # declared wrongly
        (GAS.encode("utf-16-be"), "UTF-16BE", GAS),
        (GAS.encode("utf-16-be"), "UCS-2", GAS),
        (GAS.encode("utf-16-be"), None, GAS),
        (MARK_LE + GAS.encode("utf-16-le"), "UTF-16", GAS),
        (MARK_BE + GAS.encode("utf-16-be"), "utf-16", GAS),
        (MARK_LE + GAS.encode("utf-16-le"), "UTF-16BE", GAS),
        (MARK_LE + GAS.encode("utf-16-le"), None, GAS),
        (GAS.encode("utf-8-sig"), None, GAS),
        ("停電了".encode("big5"), "Big5", "停電了"),
        ("張翀家停水".encode("gbk"), None, "張翀家停水"),
        ("Wifi坏了".encode("gbk"), None, "Wifi坏了"),
        ("着火了🔥".encode("gb18030"), None, "着火了🔥"),
        ("TD".encode("utf-16-be"), None, "TD"),
        ("栋3停电12小时".encode("utf-16-be"), None, "栋3停电12小时"),
        ("栋3停电12小时".encode("utf-16-le"), None, "栋3停电12小时"),
        ("灯\x00坏".encode(), None, "灯\x00坏"),
        (GERMAN.encode("latin-1"), "ISO-8859-1", GERMAN),
        (GERMAN.encode(), "ISO-8859-1", GERMAN),
        ("“zu”: 5 €".encode("cp1252"), "windows-1252", "“zu”: 5 €"),
        (b"", None, ""),
    ],
)
def test_t6_a_text_is_read_as_declared_or_else_as_it_strictly_is(raw: bytes, declared: str | None, text: str) -> None:
    found = decode_text(raw, declared)
    assert found is not None and found.text == text


@pytest.mark.parametrize(
    ("raw", "declared"),
    [
        (f"{GAS}😀".encode("utf-16-be")[:-2], "UTF-16BE"),
        (f"{GAS}😀".encode("utf-16-be")[:-1], "UTF-16BE"),
        (f"{GAS}😀".encode()[:-2], "UTF-8"),
        (f"{GAS}😀".encode()[:-2], None),
        (f"{GAS}灯".encode("gbk")[:-1], "GBK"),
        (f"{GAS}灯".encode("gbk")[:-1], None),
    ],
)
def test_t6_a_character_that_was_cut_off_spoils_nothing_before_it(raw: bytes, declared: str | None) -> None:
    found = decode_text(raw, declared)
    assert found is not None and found.text == f"{GAS}\ufffd"


@pytest.mark.parametrize(
    "raw",
    [
        GERMAN.encode("latin-1"),
        SPANISH.encode("latin-1"),
        "café".encode("latin-1"),
        "É".encode("latin-1"),
        "ÄÖÜß".encode("latin-1"),
        "Ağaç düştü".encode("cp1254"),
        "Привет".encode("cp1251"),
        "Привет".encode("koi8-r"),
        "こんにちは".encode("shift_jis"),
        "停電了".encode("big5"),
        GAS.encode("gbk") + b"\xff",
        b"\x80\x81\x82",
    ],
)
@pytest.mark.parametrize("declared", [None, "8-BIT", "UTF-8", "no-such-charset", "base64", "unicode_escape"])
def test_t6_what_fits_none_is_never_guessed_into_a_text(raw: bytes, declared: str | None) -> None:
    assert decode_text(raw, declared) is None


def test_t6_only_what_was_garbled_is_mended() -> None:
    for text in (GERMAN, SPANISH, "Straße 12, Müller: Aufzug hängt", "É", "Ã", "“TD”", "naïve café", GAS, "5 €"):
        assert repair_encoding(text) == text
    for text in (GAS, f"{GAS}😀", "Größe", SPANISH):
        assert repair_encoding(text.encode().decode("latin-1")) == text
    assert repair_encoding(GAS.encode("gbk").decode("latin-1")) == GAS
    assert repair_encoding("电梯门".encode().decode("cp1252")) == "电梯门"


def test_t6_bytes_that_are_no_text_are_kept_and_can_be_shown() -> None:
    raw = SPANISH.encode("latin-1")
    escaped = escape_bytes(raw)
    assert has_escaped_bytes(escaped) and escaped_as_bytes(escaped) == raw
    assert show_escaped_bytes(escaped) == "Se\\xF1or Mu\\xF1oz"
    assert parse_pairs(b"a=Mu%F1oz&b=%C3%A9") == [("a", "Mu\udcf1oz"), ("b", "é")]
    assert raw_item({"a": "Mu\udcf1oz"}) == '{"a": "Mu\\udcf1oz"}'
    both = parse_json(b'[{"a": "Mu\xf1oz", "b": "\xc2\xb7"}, {"a": "' + GAS.encode("gbk") + b'"}]')
    assert both == [{"a": "Mu\udcf1oz", "b": "·"}, {"a": GAS}]


def test_t6_danger_words_are_found_in_what_cannot_be_read() -> None:
    for raw in (GAS.encode("gbk") + b"\xff", GAS.encode() + b"\xff", b"\xff\xd8" + GAS.encode("utf-16-be")):
        assert "燃气泄漏" in readable_text(raw_item({"text": escape_bytes(raw)})), raw
    rubbish = readable_text(raw_item({"text": escape_bytes(SPANISH.encode("latin-1"))}))
    assert not any("\u3400" <= c <= "\u9fff" for c in rubbish)
