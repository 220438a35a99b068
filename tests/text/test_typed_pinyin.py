"""What is typed without tones finds the characters."""

import time

from hotline.text.typed_pinyin import name_sounds, pinyin_terms, typed_syllables, typed_terms


def test_letters_are_parted_into_syllables() -> None:
    assert typed_syllables("dianti") == ["dian", "ti"]
    assert typed_syllables("wangxiuying") == ["wang", "xiu", "ying"]
    assert typed_syllables("xi'an") is not None
    assert typed_syllables("lift") is None and typed_syllables("q") is None and typed_syllables("") is None


def test_a_text_is_found_by_neighbouring_syllables_and_a_name_by_its_first_letters() -> None:
    assert set(typed_terms("diantihuai")) <= set(pinyin_terms("3栋2单元电梯坏了"))
    assert set(typed_terms("loudao")) <= set(pinyin_terms("樓道燈不亮"))  # traditional characters, too
    assert name_sounds("王秀英") == ["wangxiuying", "wxy"] and name_sounds("Zoe") == []


def test_it_is_linear() -> None:
    begun = time.process_time()
    pinyin_terms("电梯" * 20_000)
    typed_syllables("zhuang" * 5000)
    assert time.process_time() - begun < 5
