"""What other systems export is read as it is, or refused by line; nothing is guessed, and nothing ends in a fault."""

import csv
import json
import stat
from pathlib import Path

import pytest

from hotline.importing.files import ImportSource, RejectedFile, UnreadableFileError
from hotline.text.strict_json import parse_strict_json

COLUMNS = ("编号", "内容")
QUOTE = "a quote in the middle of a cell: inside quotes it is written twice"
TABLE = "编号,内容\n1,电梯坏了\n2,路灯不亮\n"


def source(path: Path, content: bytes | str, form: str = "csv", encoding: str | None = None) -> ImportSource:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return ImportSource(path, form, encoding, COLUMNS)


def read(path: Path, content: bytes | str, form: str = "csv", encoding: str | None = None) -> list[tuple[str, object]]:
    """(place, what the second column holds, or why the row cannot be read) of every row."""
    rows = source(path, content, form, encoding).rows()
    return [(row.place, row.fault if row.cells is None else row.cells.get("内容")) for row in rows]


BOTH = [("row 2", "电梯坏了"), ("row 3", "路灯不亮")]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TABLE.encode(), None),
        (TABLE.encode("utf-8-sig"), None),
        (TABLE.encode("utf-16"), None),
        (b"\xfe\xff" + TABLE.encode("utf-16-be"), None),
        (TABLE.encode("utf-32"), None),
        (TABLE.encode("gb18030"), "gb18030"),
        (TABLE.encode("gbk"), "GBK"),
        (TABLE.encode("big5", "replace").replace(b"?", b"x"), "big5"),
        (TABLE.encode("utf-16-le"), "utf-16-le"),
        (TABLE.replace("\n", "\r\n").encode(), None),
        (TABLE.replace("\n", "\r").encode(), None),
        (TABLE.replace(",", ";").encode(), None),
        (TABLE.replace(",", "\t").encode("utf-16"), None),
        (TABLE.replace(",", "|").encode(), None),
        (f"sep=;\n{TABLE.replace(',', ';')}".encode("utf-8-sig"), None),
        (TABLE.replace("编号,", " 编号 , ").replace("内容", '"内容" ').replace('"', "").encode(), None),
    ],
)
def test_every_way_a_table_is_commonly_written_is_read(content: bytes, encoding: str | None, tmp_path: Path) -> None:
    found = read(tmp_path / "f.csv", content, encoding=encoding)
    assert len(found) == 2
    if encoding != "big5":  # which has not all of these characters
        assert [text for _, text in found] == [text for _, text in BOTH]


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        (b"", None, "empty"),
        (b"\n\n", None, "empty"),
        (TABLE.encode("gb18030"), None, "--encoding gb18030"),
        (TABLE.encode("utf-16-le"), None, "--encoding utf-16-le"),
        (b"PK\x03\x04\x14\x00\x06\x00rest", None, "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", None, "old Excel workbook"),
        (b"%PDF-1.7", None, "a PDF"),
        (b"\x1f\x8b\x08", None, "gzip"),
        (b"\xef\xbb\xbf<html><table>", None, "HTML or XML"),
        (TABLE.encode(), "klingon", "not known"),
        (TABLE.encode(), "rot13", "not known"),
        (TABLE.encode("utf-16"), "utf-8", "byte order mark"),
        (b'"never closed\n1,2\n', None, "heading cannot be read"),
        (b"x" * 1_500_000, None, "heading cannot be read"),
    ],
)
def test_what_is_no_table_is_told_before_the_first_row(
    content: bytes, encoding: str | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableFileError, match=said):
        source(tmp_path / "f.csv", content, encoding=encoding)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2," + "长" * 140_000, "131,072 characters"),
        ("2," + "长" * 1_200_000, "million characters"),
        ('2,"never closed', "a quote"),
        ('2,"quote"in the middle"', "quote in the middle"),
        ("2,a\x00b", "NUL"),
        ("2", "wrong number of cells: 1"),
        ("2,a,b", "wrong number of cells: 3"),
    ],
)
def test_a_line_that_cannot_be_read_takes_no_other_with_it(line: str, why: str, tmp_path: Path) -> None:
    found = read(tmp_path / "f.csv", f'编号,内容\n1,电梯坏了\n{line}\n3,"路灯\n不亮"\n4,x\n')
    assert [found[0], *found[2:]] == [("row 2", "电梯坏了"), ("row 4", "路灯\n不亮"), ("row 6", "x")]
    place, said = found[1]
    assert place == "row 3" and why in str(said)


def test_bytes_that_are_no_text_are_never_made_into_some(tmp_path: Path) -> None:
    found = read(tmp_path / "f.csv", "编号,内容\n".encode() + "1,电梯\n".encode("gbk") + "2,电梯\n".encode())
    assert found == [("row 2", "cannot be read: not utf-8"), ("row 3", "电梯")]
    half = read(tmp_path / "f.csv", "编号,内容\n1,电梯\n".encode("gb18030") + b"2,\x81\n3,x\n", encoding="gb18030")
    assert half[0] == ("row 2", "电梯") and "not gb18030" in str(half[1][1]) and half[-1] == ("row 4", "x")


GOOD = [{"编号": "1", "内容": "电梯坏了"}, {"编号": 2, "内容": None, "other": [1, 2]}]


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ("\n".join(map(json.dumps, GOOD)), ["line 1", "line 2"]),
        (json.dumps(GOOD), ["item 1", "item 2"]),
        (json.dumps(GOOD, indent=2, ensure_ascii=False), ["item 1", "item 2"]),
        ("\ufeff" + json.dumps(GOOD), ["item 1", "item 2"]),
    ],
)
def test_json_is_read_as_lines_and_as_an_array(content: str, places: list[str], tmp_path: Path) -> None:
    assert read(tmp_path / "f.json", content, "json") == [(places[0], "电梯坏了"), (places[1], "")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[" * 100_000, "no JSON"),
        ('{"a":' * 100_000, "no JSON"),
        ("[1, 2]", "no JSON object"),
        ("{", "no JSON"),
        ('{"编号": "2", "编号": "3"}', "twice"),
        ('{"编号": "2", "内容": ["a"]}', "内容: a list"),
        ('{"编号": "2", "内容": "\\ud83d"}', "half of a character"),
        ('{"编号": "2", "内容": "\\u0000"}', "NUL"),
        ('{"编号": ' + "1" * 5_000 + "}", "no JSON"),
        ('{"编号": "' + "1" * 1_200_000 + '"}', "million"),
    ],
)
def test_a_line_that_is_no_object_is_refused_by_itself(line: str, why: str, tmp_path: Path) -> None:
    good = json.dumps(GOOD[0])
    found = read(tmp_path / "f.jsonl", f"{good}\n{line}\n\n{good}\n", "jsonl")
    assert [found[0], found[2]] == [("line 1", "电梯坏了"), ("line 4", "电梯坏了")]
    assert found[1][0] == "line 2" and why in str(found[1][1])


def test_a_damaged_array_gives_what_stands_before_the_damage(tmp_path: Path) -> None:
    whole = json.dumps(GOOD)
    for broken in (whole[:-1], whole[:-1] + ", {]", whole + "x"):
        found = read(tmp_path / "f.json", broken, "json")
        assert found[0] == ("item 1", "电梯坏了") and "cannot be read" in str(found[-1][1]), broken


def test_a_large_array_is_read_piece_by_piece(tmp_path: Path) -> None:
    rows = [{"编号": str(n), "内容": "电梯" * 50} for n in range(3_000)]
    found = source(tmp_path / "f.json", json.dumps(rows, indent=1), "json").rows()
    assert [row.cells["编号"] for row in found if row.cells] == [row["编号"] for row in rows]


def test_refused_rows_stand_in_a_file_that_can_be_repaired_and_read_again(tmp_path: Path) -> None:
    first = source(tmp_path / "f.csv", '编号;内容\n1;电梯\n2;灯;x;y\n3\n4;"灯"不亮"\n5;"路\n灯";x\n')
    rejected = RejectedFile(tmp_path / "rejected.csv", first)
    for row in first.rows():
        rejected.add(row, row.fault or "内容: too short")
    rejected.close()
    assert stat.S_IMODE((tmp_path / "rejected.csv").stat().st_mode) == 0o600  # it holds what callers said
    with (tmp_path / "rejected.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [*csv.reader(file, delimiter=";")] == [
            ["编号", "内容", "refused"],
            ["1", "电梯", "row 2: 内容: too short"],
            ["2", "灯", "row 3: cannot be read: wrong number of cells: 4, the heading has 2", "x", "y"],
            ["3", "", "row 4: cannot be read: wrong number of cells: 1, the heading has 2"],
            ['4;"灯"不亮"', "", f"row 5: cannot be read: {QUOTE}"],
            ['5;"路', "", "row 6: cannot be read: wrong number of cells: 3, the heading has 2"],
            ['灯"', "x", "row 7: 内容: too short"],
        ]
    again = ImportSource(tmp_path / "rejected.csv", "csv", None, COLUMNS)
    assert [row.cells["编号"] for row in again.rows() if row.cells][:2] == ["1", "3"]
    with pytest.raises(FileExistsError):
        RejectedFile(tmp_path / "rejected.csv", first)
    RejectedFile(tmp_path / "none.csv", first).close()
    assert not (tmp_path / "none.csv").exists()


def test_a_refused_line_that_is_no_object_is_kept_as_it_was(tmp_path: Path) -> None:
    first = source(tmp_path / "f.jsonl", '{"编号": "1", "内容": ["a"]}\n[1, 2]\n{"编号": \n', "jsonl")
    rejected = RejectedFile(tmp_path / "rejected.jsonl", first)
    for row in first.rows():
        rejected.add(row, row.fault)
    rejected.close()
    rows = [json.loads(line) for line in (tmp_path / "rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [{**row, "refused": None} for row in rows] == [
        {"编号": "1", "内容": ["a"], "refused": None},
        {"row": [1, 2], "refused": None},
        {"row": '{"编号": ', "refused": None},
    ]


@pytest.mark.parametrize("raw", [b"\xff", b'{"a": 1, "a": 2}', b"[" * 100_000, b"{", "{}".encode("utf-16")])
def test_a_document_that_means_two_things_or_none_is_no_json(raw: bytes) -> None:
    with pytest.raises(ValueError):
        parse_strict_json(raw)
    assert parse_strict_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_a_stray_quote_in_every_line_refuses_each_of_them(tmp_path: Path) -> None:
    found = read(tmp_path / "f.csv", "编号,内容\n" + "".join(f'{n},"never closed\n' for n in range(500)))
    assert [place for place, _ in found] == [f"row {n + 2}" for n in range(500)]
