"""The shipped examples and the tests of triage are sentences of their own: none is one of the cases triage is measured on."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.packaged_files import packaged_folder
from hotline.text.normalisation import fold_text

HERE = Path(__file__).parent
CASES = next((p / "shared" / "cases" for p in HERE.parents if (p / "shared" / "cases").is_dir()), None)
HAN = re.compile(r"[\u4e00-\u9fff]")
HAN_LENGTH, OTHER_LENGTH = 8, 20
"""From how many characters a text is a sentence, not a name or a word anybody would use."""


def bare(text: str) -> str:
    return "".join(char for char in fold_text(text) if char.isalnum())


def is_sentence(text: str) -> bool:
    return len(text) >= (HAN_LENGTH if HAN.search(text) else OTHER_LENGTH)


def texts_of(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for item in value.values() for text in texts_of(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in texts_of(item))


def texts_in(path: Path) -> Iterator[str]:
    written = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        for text in texts_of(tomllib.loads(written)):
            yield from {text, *text.split()}
    elif path.suffix == ".py":
        nodes = ast.walk(ast.parse(written))
        yield from (n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))
    else:
        yield from re.split(r"[\t\n]| \|", written)


def own_files() -> list[Path]:
    seeds = packaged_folder("seeds") / "basis"
    return [*sorted(seeds.rglob("*.toml")), *(p for p in sorted(HERE.iterdir()) if p.suffix in {".py", ".tsv", ".txt"})]


def test_no_sentence_is_one_of_the_cases() -> None:
    if CASES is None:
        pytest.skip(f"no shared cases beside the checkout: {len(own_files())} files not compared")
    cells = (
        cell for path in sorted(CASES.glob("*.tsv")) for cell in re.split(r"[\t\n]", path.read_text(encoding="utf-8"))
    )
    cases = "\n".join(bare(cell) for cell in cells if " " in cell or HAN.search(cell))
    taken = [
        f"{path.name}: {text}"
        for path in own_files()
        for text in texts_in(path)
        if is_sentence(bare(text)) and bare(text) in cases
    ]
    assert not taken, taken
