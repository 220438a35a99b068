"""Tables as files: CSV that opens in a spreadsheet as it was written, XLSX row by row in little memory."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hotline.text.spreadsheet_cells import escape_formula

MAX_ROWS = 1_048_576  # of one sheet
BOM = "\ufeff"  # without it, a spreadsheet takes Chinese for another alphabet


def render_csv(rows: Iterable[Sequence[Any]], *, with_bom: bool = False) -> bytes:
    """Rows as CSV in UTF-8; `with_bom`: with the mark that says so."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([_csv_cell(cell) for cell in row] for row in rows)
    return ((BOM if with_bom else "") + out.getvalue()).encode()


def _csv_cell(cell: Any) -> Any:
    if cell is None:
        return ""
    return cell.isoformat() if isinstance(cell, datetime) else escape_formula(cell)


class Workbook:
    """One or more sheets written row by row. Nothing in it is a formula or a link."""

    def __init__(self, target: Path | io.BytesIO) -> None:
        quiet = {"constant_memory": isinstance(target, Path), "strings_to_formulas": False, "strings_to_urls": False,
                 "in_memory": not isinstance(target, Path), "remove_timezone": True}  # fmt: skip
        import xlsxwriter  # 2 MB that a server which exports nothing need not hold

        self._book = xlsxwriter.Workbook(str(target) if isinstance(target, Path) else target, quiet)
        self._bold = self._book.add_format({"bold": True})
        self._sheet: Any = None
        self._heads: Sequence[str] = ()
        self._name, self._part, self._at = "", 1, 0

    def begin_sheet(self, name: str, headers: Sequence[str]) -> None:
        """Begin a sheet; its name cut to what a spreadsheet allows."""
        self._name, self._heads, self._part = name, headers, 1
        self._begin(name)

    def _begin(self, name: str) -> None:
        self._sheet, self._at = self._book.add_worksheet(name[:31]), 1
        self._sheet.write_row(0, 0, self._heads, self._bold)
        self._sheet.freeze_panes(1, 0)

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            if self._at >= MAX_ROWS:  # a sheet holds no more: the rest goes on the next
                self._part += 1
                self._begin(f"{self._name[:24]} {self._part}")
            for place, cell in enumerate(row):
                value = cell.isoformat() if isinstance(cell, datetime) else cell
                if isinstance(value, bool | None):
                    self._sheet.write_string(self._at, place, "" if value is None else str(value).lower())
                elif isinstance(value, int | float):
                    self._sheet.write_number(self._at, place, value)
                else:
                    self._sheet.write_string(self._at, place, str(value)[:32767])
            self._at += 1

    def close(self) -> None:
        self._book.close()
