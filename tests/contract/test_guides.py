"""The generated guides say what the source says: docs/schema.md and docs/providers.md. docs/lifecycle.md is in
test_promises."""

import re
from collections.abc import Callable

import pytest

from hotline.delivery import registry
from hotline.delivery.model import GatewayKind
from hotline.tables import metadata
from tests.conftest import ROOT
from tools.guides import providers, schema


@pytest.mark.parametrize(("page", "made"), [("schema", schema), ("providers", providers)])
def test_a_generated_guide_is_as_its_source(page: str, made: Callable[[], str]) -> None:
    kept = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    assert kept.rstrip("\n") == made().rstrip("\n"), "run: make docs"


def test_every_table_and_each_of_its_columns_is_in_the_guide_with_what_it_is_for() -> None:
    _, *sections = re.split(r"^### ", schema(), flags=re.MULTILINE)
    told = {section.partition("\n")[0]: section.split("\n") for section in sections}
    for name, table in metadata.tables.items():
        purpose = told[name][2]
        assert purpose.endswith(".") and len(purpose) > 20, name
        columns = [line.split(" | ")[0].removeprefix("| ") for line in told[name] if line.startswith("| ")]
        assert columns[1:] == [column.name for column in table.columns], name


def test_every_provider_of_ours_is_in_the_guide() -> None:
    named = set(re.findall(r"^- `([a-z0-9_-]+)` — ", providers(), re.MULTILINE))
    ours = {
        n
        for kind in GatewayKind
        for n, p in registry.installed_providers(kind).items()
        if registry.package_name(p) == "hotline"
    }
    assert named == ours
