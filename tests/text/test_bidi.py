"""What people wrote turns nothing round that stands beside it."""

import pytest

from hotline.text.bidi import isolate_text

AHMAD = "\u0623\u062d\u0645\u062f"
CASES = [
    ("王秀英 13800138000", "王秀英 13800138000"),
    ("\u202e王\u2066秀", "王秀"),
    ("2\u202e单元301", "2单元301"),
    ("\u200f王\u061c\u200e\u202a\u202b\u202c\u202d\u2067", "王"),
    (AHMAD, f"\u2068{AHMAD}\u2069"),
    (f"\u2068{AHMAD}\u2069", f"\u2068{AHMAD}\u2069"),
    (f"\u2069{AHMAD}\u2068", f"\u2068{AHMAD}\u2068\u2069\u2069"),
    (f"\u2068{AHMAD}", f"\u2068{AHMAD}\u2069"),
    (f"\u2068{AHMAD}\u2069 1 \u2068x\u2069", f"\u2068\u2068{AHMAD}\u2069 1 \u2068x\u2069\u2069"),
    ("\u2069王\u2068", "王\u2068\u2069"),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_text_turns_nothing_round_that_stands_beside_it(text: str, shown: str) -> None:
    assert isolate_text(text) == shown == isolate_text(shown)
