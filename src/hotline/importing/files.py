"""Reading another system's export, row by row: CSV in the encodings and with the separators people use, JSON lines, or
an array of JSON objects. Nothing is guessed into text; what cannot be read is reported by line, and reading goes on."""

import codecs
import csv
import json
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, TextIO

LONGEST = 1_000_000  # characters of one record; a quote that is never closed ends here too
DELIMITERS = (",", ";", "\t", "|")
_UNREADABLE = "\udcff"  # stands for a byte that is no text; no decoder gives it by itself
_BROKEN = re.compile("[\ud800-\udfff\x00]")
_BLANK = re.compile(r"[ \t\r\n]*")
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_OTHER_KINDS = (
    (b"PK\x03\x04", "an Excel workbook (.xlsx) or another zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"%PDF-", "a PDF"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"7z\xbc\xaf", "a 7-Zip file"),
    (b"Rar!", "a RAR file"),
    (b"SQLite format 3", "an SQLite database"),
)
_MARKUP = (b"<html", b"<!doctype", b"<?xml", b"<table", b"<workbook")


class UnreadableFileError(ValueError):
    """The file as a whole cannot be read; the text says why and what to do."""


def _keep_a_marker(fault: UnicodeError) -> tuple[str, int]:
    if not isinstance(fault, UnicodeDecodeError):
        raise fault
    return _UNREADABLE, fault.end


codecs.register_error("hotline-marker", _keep_a_marker)


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row. `place` is where it begins, as "row 12" (the line of the file) or "item 12" (of an array). `cells` None:
    it cannot be read, and `fault` says why. `original` is the row as it was, for a file of refused ones: its cells, its
    JSON value, or the text of its first line where nothing more can be separated."""

    place: str
    cells: Mapping[str, str] | None
    fault: str = ""
    original: Any = None


class _Repeated(dict[str, Any]):
    """A JSON object in which a name stands twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeated(found)


class ImportSource:
    """A file that can be read: its encoding, form and separator are known, its heading has been looked at.

    `header`: the columns in order, as the heading names them; for JSON, those of the objects, read until every column
    that is needed was seen."""

    def __init__(self, path: Path, form: str, encoding: str | None = None, columns: Sequence[str] = ()) -> None:
        """`form`: csv or json (lines or an array). `columns`: those that are needed; they show which separator is
        meant. Raises UnreadableFileError."""
        self.path, self.position, self._columns = path, 0, tuple(columns)
        self.is_json = form != "csv"
        self.delimiter, self._is_array = ",", False
        with self._explain_errors():
            with path.open("rb") as file:
                start = file.read(4096)
            self.encoding = _encoding_of(start, encoding)
            if self.is_json:
                self.header = self._names_in_json()
            else:
                self.header = self._detect_heading()

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        """Every fault of the file becomes an error with a text."""
        try:
            yield
        except UnreadableFileError:
            raise
        except OSError as fault:
            raise UnreadableFileError(f"it cannot be read: {fault.strerror or type(fault).__name__}") from None
        except (UnicodeError, LookupError) as fault:
            raise UnreadableFileError(f"it cannot be read as {self.encoding}: {type(fault).__name__}") from None
        except Exception as fault:
            raise UnreadableFileError(f"it cannot be read: {type(fault).__name__}") from fault

    @contextmanager
    def _text(self) -> Iterator[TextIO]:
        with self.path.open(encoding=self.encoding, errors="hotline-marker", newline="") as text:
            yield text

    def rows(self) -> Iterator[ImportRow]:
        """Every row in order. Memory holds one record at a time. Raises UnreadableFileError where the disk fails."""
        with self._explain_errors(), self._text() as text:
            yield from (self._json_rows(text) if self.is_json else self._csv_rows(text))

    # --- CSV

    def _detect_heading(self) -> list[str]:
        found: list[tuple[int, str, list[str]]] = []
        with self._text() as text:
            sep = re.fullmatch(r"\ufeff?\"?sep=(.)\"?\r?\n?", text.readline(100))
        self._skipped = int(sep is not None)
        for delimiter in [sep[1]] if sep else DELIMITERS:
            self.delimiter = delimiter
            with self._text() as text:
                record = next(self._records(text), None)
            if record is None:
                raise UnreadableFileError("it is empty")
            _, cells, fault = record
            if isinstance(cells, str):
                raise UnreadableFileError(f"its heading cannot be read: {fault}")
            names = [cell.strip().lstrip("\ufeff").strip() for cell in cells]
            found.append((sum(column not in names for column in self._columns), delimiter, names))
        _, self.delimiter, names = min(found, key=lambda one: one[0])
        self._check_heading(names)
        return names

    def _check_heading(self, names: list[str]) -> None:
        if any("\x00" in name for name in names):
            raise UnreadableFileError(
                "its heading holds NUL bytes; if it is UTF-16 without a byte order mark, say --encoding utf-16-le"
            )
        if any(_UNREADABLE in name for name in names):
            raise UnreadableFileError(
                f"its heading is not {self.encoding}; if it comes from a Chinese Windows program, say "
                "--encoding gb18030, else save it as UTF-8"
            )
        if not any(names):
            raise UnreadableFileError("its first line is no heading")

    def _records(self, text: TextIO) -> Iterator[tuple[int, list[str] | str, str]]:
        """(line it begins on, cells, what is wrong with it). A record that cannot be split into cells is given as the
        text of its first line, and takes no other with it: one stray quote must not swallow the rows behind it."""
        lines = _LineReader(text)
        for _ in range(self._skipped):
            next(lines, None)
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        width: int | None = None  # of the heading
        while True:
            lines.begin_record()
            first = lines.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, _TooLong) as fault:
                reader = csv.reader(lines, delimiter=self.delimiter, strict=True)  # forgets what it had begun
                error_text = _csv_error_text(fault, lines.unread_continuation())
                yield first, _printable_line("".join(lines.taken)), error_text
                continue
            broken = next((hit[0] for line in lines.taken if (hit := _BROKEN.search(line))), None)
            if width is None:
                if cells:
                    width = len(cells)
                    yield first, cells, ""
            elif broken is not None:
                lines.unread_continuation()
                damaged = _printable_line("".join(lines.taken))
                yield first, damaged, "a NUL: the file is damaged" if broken == "\x00" else f"not {self.encoding}"
            elif cells and len(cells) != width:
                wrong = f"wrong number of cells: {len(cells)}, the heading has {width}"
                several = lines.unread_continuation()  # the lines behind the first are read again, as rows of their own
                yield first, _printable_line("".join(lines.taken)) if several else cells, wrong
            elif cells:  # a line without anything on it is no row
                yield first, cells, ""

    def _csv_rows(self, text: TextIO) -> Iterator[ImportRow]:
        records = self._records(text)
        next(records)
        for line, cells, fault in records:
            self._note(text)
            if fault or isinstance(cells, str):
                yield ImportRow(f"row {line}", None, f"cannot be read: {fault}", original=cells)
            else:
                yield ImportRow(f"row {line}", dict(zip(self.header, cells, strict=True)), original=cells)

    def _note(self, text: TextIO) -> None:
        with suppress(OSError, ValueError):
            self.position = text.buffer.tell()  # how far, for who shows progress

    # --- JSON

    def _names_in_json(self) -> list[str]:
        with self._text() as text:
            start = text.read(4096).lstrip("\ufeff")
            if not start.strip():
                raise UnreadableFileError("it is empty")
            self._is_array = re.match(r"\s*\[\s*(\{|\]|$)", start) is not None
        names: dict[str, None] = {}
        wanted, read = set(self._columns), 0
        with self._text() as text:
            for row in self._json_rows(text):
                read += 1
                names.update(dict.fromkeys(row.original or ()))
                wanted -= names.keys()
                if not wanted:
                    break
        if read and not names:
            raise UnreadableFileError(
                "there is no JSON object in it: one object a line, or an array of objects, in UTF-8 or as "
                "--encoding says"
            )
        return list(names)

    def _json_rows(self, text: TextIO) -> Iterator[ImportRow]:
        for place, item, fault in _array_items(text) if self._is_array else _json_lines(text):
            self._note(text)
            if fault:
                yield ImportRow(place, None, f"cannot be read: {fault}", original=item)
            elif not isinstance(item, dict):
                yield ImportRow(place, None, "cannot be read: no JSON object", original=item)
            elif isinstance(item, _Repeated):
                yield ImportRow(place, None, "cannot be read: a name stands twice", original=dict(item))
            else:
                cells = {str(name): _cell(value) for name, value in item.items()}
                if any(cell is not None and _BROKEN.search(cell) for cell in cells.values()):
                    yield ImportRow(place, None, "cannot be read: a NUL, or half of a character", original=item)
                elif nested_column := next(
                    (name for name in self._columns if name in cells and cells[name] is None), None
                ):
                    yield ImportRow(place, None, f"{nested_column}: a list or an object, not a text", original=item)
                else:
                    yield ImportRow(place, {n: c for n, c in cells.items() if c is not None}, original=item)


def _cell(value: Any) -> str | None:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _printable_line(text: str) -> str:
    """A damaged line for the file of refused rows: what is no text in it stands as U+FFFD."""
    return _BROKEN.sub("\ufffd", text.rstrip("\r\n"))


def _csv_error_text(error: Exception, several: bool) -> str:
    fault = str(error)
    if isinstance(error, _TooLong):
        return "longer than a million characters, or a quote that is never closed"
    if "field larger" in fault:
        return "a cell of more than 131,072 characters" + (", or a quote that is never closed" if several else "")
    if "unexpected end" in fault:
        return "a quote that is never closed"
    if "expected after" in fault:
        return "a quote in the middle of a cell: inside quotes it is written twice"
    return "no CSV"


class _TooLong(Exception):
    """A record has no end in sight."""


class _LineReader:
    """The lines of a text with their numbers. Those of the record under way can be given back, all but the first."""

    def __init__(self, text: TextIO) -> None:
        self._text, self._back = text, deque[str]()
        self.number, self.taken, self._room = 0, list[str](), LONGEST

    def begin_record(self) -> None:
        self.taken, self._room = [], LONGEST

    def unread_continuation(self) -> bool:
        """Whether there were any."""
        again = self.taken[1:]
        self._back.extendleft(reversed(again))
        self.number -= len(again)
        self.taken = self.taken[:1]
        return bool(again)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._room <= 0:
            raise _TooLong
        line = self._back.popleft() if self._back else self._text.readline(LONGEST)
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        self._room -= len(line)
        if len(line) >= LONGEST and line[-1] not in "\r\n":
            while (more := self._text.readline(LONGEST)) and more[-1] not in "\r\n":
                pass
            raise _TooLong
        return line


def _json_lines(text: TextIO) -> Iterator[tuple[str, Any, str]]:
    decode = json.JSONDecoder(object_pairs_hook=_object).decode
    lines = _LineReader(text)
    while True:
        lines.begin_record()
        try:
            line = next(lines)
        except StopIteration:
            return
        except _TooLong:
            yield f"line {lines.number}", None, "longer than a million characters"
            continue
        place = f"line {lines.number}"
        line = line.lstrip("\ufeff") if lines.number == 1 else line
        if not line.strip():
            continue
        if _UNREADABLE in line:
            yield place, _printable_line(line), "bytes that are no text"
            continue
        try:
            yield place, decode(line), ""
        except (ValueError, RecursionError):
            yield place, _printable_line(line), "no JSON"


def _array_items(text: TextIO) -> Iterator[tuple[str, Any, str]]:
    """The items of one large array, one after the other. After a damaged one nothing can be read."""
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    buffer, at, count = text.read(65_536).lstrip("\ufeff"), 0, 0
    at = _end_of(_BLANK, buffer, 0) + 1  # behind the bracket
    while True:
        at = _end_of(_BLANK, buffer, at)
        if at < len(buffer) and buffer[at] == "]":
            if buffer[at + 1 :].strip() or text.read(65_536).strip():
                yield f"item {count + 1}", None, "something stands behind the end of the array"
            return
        if count and at < len(buffer) and buffer[at] == ",":
            at = _end_of(_BLANK, buffer, at + 1)
        try:
            item, end = decoder.raw_decode(buffer, at)
        except (ValueError, RecursionError, IndexError) as fault:
            more = "" if isinstance(fault, RecursionError) or len(buffer) - at >= LONGEST else text.read(65_536)
            if more:
                buffer, at = buffer[at:] + more, 0
                continue
            yield f"item {count + 1}", None, "no JSON from here on; what follows it was not read"
            return
        count += 1
        item_text = buffer[at:end]
        at = end
        yield (
            f"item {count}",
            *((_printable_line(item_text), "bytes that are no text") if _UNREADABLE in item_text else (item, "")),
        )


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _encoding_of(start: bytes, declared: str | None) -> str:
    """What the file is written in: as declared, else by its byte order mark, else UTF-8."""
    if not start:
        raise UnreadableFileError("it is empty")
    for magic, kind in _OTHER_KINDS:
        if start.startswith(magic):
            raise UnreadableFileError(f"it is {kind}, not text: save the table as CSV in UTF-8, and import that")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
        raise UnreadableFileError("it is HTML or XML, not CSV or JSON: save the table as CSV in UTF-8, and import that")
    marked = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)
    if declared is None:
        return {"utf-8": "utf-8-sig", None: "utf-8"}.get(marked, marked or "utf-8")
    try:
        info = codecs.lookup(declared)
        "".encode(declared)  # only encodings of text
    except (LookupError, ValueError):
        raise UnreadableFileError(f"--encoding {declared[:40]!r} is not known") from None
    if marked is not None and not info.name.replace("_", "-").startswith(marked):
        raise UnreadableFileError(f"its byte order mark says {marked}, --encoding says {info.name}")
    return "utf-8-sig" if info.name == "utf-8" else info.name


class RejectedFile:
    """Refused rows as they were, with why in a column `refused`: repaired, the file can be imported. Only its owner
    may read it, since it holds what callers said. A file that is there is never written over."""

    def __init__(self, path: Path, source: ImportSource) -> None:
        """Raises OSError where the file cannot be made, FileExistsError where it is there."""
        self._path, self._source, self._rows = path, source, 0
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        plain = "utf-8" if source.is_json else "utf-8-sig"  # spreadsheets look for the mark
        self._file = os.fdopen(handle, "w", encoding=plain, errors="replace", newline="")
        self._writer = csv.writer(self._file, delimiter=source.delimiter)
        if not source.is_json:
            self._writer.writerow([*(name for name in source.header if name != "refused"), "refused"])

    def add(self, row: ImportRow, why: str) -> None:
        """Write one row. Cells beyond the heading stand behind the reason; a line that could not be split into cells
        stands whole in the first column, and in JSON, what is no object under `row`."""
        self._rows += 1
        message = f"{row.place}: {why}"
        if self._source.is_json:
            cells_by_name = (
                row.original
                if isinstance(row.original, dict)
                else {}
                if row.original is None
                else {"row": row.original}
            )
            self._file.write(json.dumps({**cells_by_name, "refused": message}) + "\n")
            return
        header = self._source.header
        cells = [row.original] if isinstance(row.original, str) else list(row.original or ())
        within = zip_longest(header, cells[: len(header)], fillvalue="")
        self._writer.writerow([*(cell for name, cell in within if name != "refused"), message, *cells[len(header) :]])

    def close(self) -> None:
        """Close it; one without any row is taken away again."""
        self._file.close()
        if not self._rows:
            self._path.unlink(missing_ok=True)
