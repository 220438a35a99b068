"""The command that imports another system's tickets."""

import dataclasses
import re
import shlex
from pathlib import Path

from hotline.importing.mapping import ImportMapping
from tests.cli.commands import hotline
from tests.conftest import ROOT


def test_the_guide_to_importing_does_what_it_says(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    text = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    (folder / "moving").mkdir()
    mapping, cases = (
        re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0],
        re.findall(r"```csv\n(.*?)```", text, re.DOTALL)[0],
    )
    (folder / "moving" / "mapping.json").write_text(mapping, encoding="utf-8")
    (folder / "cases.csv").write_text(cases, encoding="utf-8")
    commands = re.findall(r"^hotline (import .*?)  +#", text, re.MULTILINE)
    dry, real = (hotline(folder, *shlex.split(command), code=1) for command in commands)
    assert "would take in: 2" in dry.stdout and "taken in: 2" in real.stdout
    assert "refused: row 2: 办结时间: not a moment as" in real.stdout and "13800138000" not in real.stdout
    repaired = (folder / "repair.csv").read_text(encoding="utf-8-sig").replace("T01:00:00", " 01:00:00")
    (folder / "repair.csv").write_text(repaired, encoding="utf-8")
    assert "taken in: 1" in hotline(folder, "import", "repair.csv", "--mapping", "moving").stdout
    again = hotline(folder, "import", "cases.csv", "--mapping", "moving").stdout
    assert "taken in: 0; known from before: 3; refused: 0" in again
    fields = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", text, re.MULTILINE)
    told = {name for cell in fields for name in re.findall(r"`(\w+)`", cell)}
    assert told == {field.name for field in dataclasses.fields(ImportMapping)}, "docs/importing.md"


def test_an_import_that_cannot_begin_changes_nothing(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    text = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    mapping, cases = re.findall(r"```(?:json|csv)\n(.*?)```", text, re.DOTALL)
    (folder / "moving").mkdir()
    (folder / "moving" / "departments.csv").write_text("code,name,name_en,kind\nnew,新,New,office\n", encoding="utf-8")
    wrong = [
        (mapping.replace("Asia/Shanghai", "Mars/Base"), cases, "zone: unknown time zone"),
        (mapping.replace('"withdrawn"', '"cancelled"'), cases, "status.values.已撤回: one of"),
        (mapping.replace('"phone"', '"fone"'), cases, "fone: unknown field"),
        (f"[{mapping}]", cases, "not well formed"),
        (mapping, cases.replace("答复", "回复"), "reply: no column '答复' in the file"),
        (mapping, cases.replace("微信", "状态", 1), "stands 2 times in the heading"),
        (mapping, "PK\x03\x04" + cases, "save the table as CSV"),
    ]
    for its_mapping, its_cases, said in wrong:
        (folder / "moving" / "mapping.json").write_text(its_mapping, encoding="utf-8")
        (folder / "cases.csv").write_text(its_cases, encoding="utf-8")
        done = hotline(folder, "import", "cases.csv", "--mapping", "moving", code=2)
        assert said in done.stderr and "Traceback" not in done.stderr, said
    several = {'"phone"': '"fone"', "Asia/Shanghai": "Mars/Base", '"withdrawn"': '"cancelled"', '"csv"': '"CSV"'}
    of_all = mapping
    for right, wrong_word in several.items():
        of_all = of_all.replace(right, wrong_word)
    (folder / "moving" / "mapping.json").write_text(of_all, encoding="utf-8")
    told = hotline(folder, "import", "cases.csv", "--mapping", "moving", code=2).stderr
    assert {line.split(":")[0].strip() for line in told.splitlines() if line.startswith("  ")} == {
        "fone", "zone", "status.values.已撤回", "format", "cases.csv",
    }  # fmt: skip
    (folder / "moving" / "mapping.json").write_text(mapping.replace('"phone"', '"fone"'), encoding="utf-8")
    (folder / "cases.csv").write_text(cases.replace("答复", "回复"), encoding="utf-8")
    told = hotline(folder, "import", "cases.csv", "--mapping", "moving", code=2).stderr
    assert "fone: unknown field" in told and "reply: no column '答复' in the file" in told
    (folder / "moving" / "mapping.json").write_text(mapping, encoding="utf-8")
    (folder / "cases.csv").write_text(cases, encoding="utf-8")
    for args in (["none.csv"], ["cases.csv", "--rejected", "none/r.csv"], ["cases.csv", "--refused", "moving"]):
        done = hotline(folder, "import", *args, "--mapping", "moving", code=2)
        assert "no file at" in done.stderr or "cannot be written: nothing was taken in" in done.stderr
    assert "directory: version 1" in hotline(folder, "seed", "ruiquan").stderr  # no department came with it either
