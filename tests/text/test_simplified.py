"""Whatever standard somebody writes Chinese in, the form for matching is the same."""

import importlib
import pkgutil
import re

import pytest
from opencc import OpenCC

import hotline.triage
from hotline.text.normalisation import fold_text, index_terms, query_terms
from hotline.text.simplified import has_traditional, to_simplified

SAID = (
    "三楼楼道灯坏了，邻居家燃气泄漏，快来人",
    "电梯里困了人，里面还有老人和孩子",
    "垃圾桶满了没人清，臭气熏天，台阶旁边还堆着装修垃圾",
    "暖气不热，打了几次电话没有答复，现在想了解什么时候能修好",
    "井盖碎了，自行车摔进去，人受伤了",
    "卫生间反水，沉淀池堵了，污水往外涌",
)


@pytest.mark.parametrize("standard", ["s2t", "s2hk", "s2tw"])
@pytest.mark.parametrize("said", SAID)
def test_t4_every_standard_of_traditional_characters_folds_as_the_simplified_text(said: str, standard: str) -> None:
    written = OpenCC(standard).convert(said)
    assert has_traditional(written) and to_simplified(written) == said and fold_text(written) == fold_text(said)
    assert index_terms(written) == index_terms(said) and query_terms(written) == query_terms(said)


def test_variants_of_one_character_are_one() -> None:
    for written in ("里裏裡", "着著", "台臺檯枱", "卫衛衞", "只隻衹", "群羣", "启啟啓", "烟煙菸", "线線綫", "么麼麽"):
        assert len({fold_text(character) for character in written}) == 1, written


def test_simplified_text_stays_as_it_is() -> None:
    for said in (*SAID, "玻璃被人打坏了", "什么时候", "皇后大道", "面包店门口", "范家", "干净"):
        assert not has_traditional(said) and to_simplified(said) == said


def test_no_pattern_of_triage_waits_for_a_character_that_no_folded_text_holds() -> None:
    waiting = []
    for found in pkgutil.walk_packages(hotline.triage.__path__, "hotline.triage."):
        for name, value in vars(importlib.import_module(found.name)).items():
            if isinstance(value, re.Pattern) and has_traditional(str(value.pattern)):
                waiting.append(f"{found.name}.{name}")
    assert waiting == []
