"""Filling the directory from a folder of readable files: one CSV or JSON file per noun, TOML files with items of any
noun; kept together or not at all."""

import csv
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_type_hints

from hotline.organisation.model.actors import Actor
from hotline.organisation.model.directory import ITEM_TYPES, SEED_ORDER_NOUNS, Directory
from hotline.organisation.model.holidays import with_notices_of
from hotline.organisation.model.items import Calendar, Roster
from hotline.organisation.model.validation import directory_errors
from hotline.organisation.service.directory import DirectoryCache, change, parse_item, refuse_errors
from hotline.refusals import Code, Refusal, Refused
from hotline.text.strict_json import parse_strict_json

_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def read_seed_items(folder: Path, root: Path) -> Iterator[tuple[str, str, Any]]:
    """(noun, code, item) of a seed folder and of those it uses, these first. Raises Refused naming file, row and
    field."""
    for used in _base_seeds(folder / "seed.json"):
        yield from read_seed_items(root / used, root)
    for noun in SEED_ORDER_NOUNS:
        for path in (folder / f"{noun}.json", folder / f"{noun}.csv"):
            if path.exists():
                yield from _read_items(noun, path)
    for path in sorted(folder.rglob("*.toml")):
        yield from _read_toml_items(path)


def read_seed_directory(folder: Path, root: Path) -> Directory:
    """The directory that a seed folder makes by itself, as version 1. Raises Refused."""
    items: dict[str, Any] = {noun: {} for noun in SEED_ORDER_NOUNS}
    for noun, code, item in read_seed_items(folder, root):
        items[noun][code] = item
    return Directory(1, **items)


def _base_seeds(path: Path) -> list[str]:
    """The seeds that a seed.json builds on; none where there is no such file."""
    uses = _about_seed(path).get("uses", [])
    if not isinstance(uses, list) or not all(isinstance(used, str) for used in uses):
        raise _unreadable_file(path, "an object; `uses` names other seeds in a list")
    return uses


def _retired_items(folder: Path, root: Path) -> Iterator[tuple[str, str]]:
    """(noun, code) of what older versions of a seed, and of those it uses, brought and this one does without."""
    path = folder / "seed.json"
    for used in _base_seeds(path):
        yield from _retired_items(root / used, root)
    retires = _about_seed(path).get("retires", {})
    if not isinstance(retires, dict) or not all(
        noun in SEED_ORDER_NOUNS and isinstance(codes, list) and all(isinstance(code, str) for code in codes)
        for noun, codes in retires.items()
    ):
        raise _unreadable_file(path, "`retires` gives lists of codes by noun")
    for noun, codes in retires.items():
        yield from ((noun, code) for code in codes)


def _about_seed(path: Path) -> dict[str, Any]:
    about = _read_json_file(path) if path.exists() else {}
    if not isinstance(about, dict):
        raise _unreadable_file(path, "an object")
    return about


def _unreadable_file(path: Path, why: str) -> Refused:
    return Refused(Refusal(Code.INVALID, f"{path.name} cannot be read", errors=((path.name, why[:200]),)))


def _read_json_file(path: Path) -> Any:
    try:
        return parse_strict_json(path.read_bytes())
    except ValueError as fault:
        raise _unreadable_file(path, str(fault)) from None


def _read_items(noun: str, path: Path) -> Iterator[tuple[str, str, Any]]:
    try:
        rows = _read_json_file(path) if path.suffix == ".json" else list(_read_csv_rows(noun, path))
    except (ValueError, csv.Error) as fault:
        raise _unreadable_file(path, str(fault)) from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unreadable_file(path, "a list of objects")
    for place, row in enumerate(rows, start=1):
        item = _parse_seed_item(noun, row, f"{path.name}:{place}")
        yield noun, item.code, item


def _read_toml_items(path: Path) -> Iterator[tuple[str, str, Any]]:
    """Tables named `noun.code`. A text where a list belongs is its words, parted by white space; `_` stands for a blank
    within one. A text in a list may be broken over lines."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except ValueError as fault:
        raise _unreadable_file(path, str(fault)) from None
    for noun, items in tables.items():
        if noun not in ITEM_TYPES or not isinstance(items, dict):
            raise _unreadable_file(path, "tables named noun.code, with a noun of the directory")
        lists = _list_fields(noun)
        for code, body in items.items():
            shown = {name: _toml_list(value) if name in lists else value for name, value in body.items()}
            yield noun, code, _parse_seed_item(noun, {**shown, "code": code}, f"{path.name}:{noun}.{code}")


def _toml_list(value: Any) -> Any:
    if isinstance(value, str):
        return [sys.intern(word.replace("_", " ")) for word in value.split()]
    if isinstance(value, list):
        return [" ".join(text.split()) if isinstance(text, str) else text for text in value]
    return value


def _parse_seed_item(noun: str, body: dict[str, Any], where: str) -> Any:
    """An item of a file. Raises Refused naming the place, field and rule."""
    try:
        return parse_item(noun, body)
    except Refused as refused:
        errors = tuple((f"{where}.{field}", rule) for field, rule in refused.refusal.errors)
        raise Refused(Refusal(Code.INVALID, f"{where} is not well formed", errors=errors)) from None


def _list_fields(noun: str) -> set[str]:
    hints = get_type_hints(ITEM_TYPES[noun])
    return {f.name for f in fields(ITEM_TYPES[noun]) if "tuple" in str(hints[f.name])}


def _read_csv_rows(noun: str, path: Path) -> Iterator[dict[str, Any]]:
    """Empty cells are absent; lists are separated by |; yes and no."""
    hints = get_type_hints(ITEM_TYPES[noun])
    lists = _list_fields(noun)
    truths = {f.name for f in fields(ITEM_TYPES[noun]) if hints[f.name] is bool}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            if None in row or None in row.values():
                raise ValueError(f"a row has not as many cells as the heading: {row.get('code')}")
            shown: dict[str, Any] = {}
            for name, cell in row.items():
                if cell.strip():
                    text = cell.strip()
                    shown[name] = (
                        [x.strip() for x in text.split("|") if x.strip()]
                        if name in lists
                        else _YES.get(text.lower(), text)
                        if name in truths
                        else text
                    )
            yield shown


async def seed_directory(
    directory_cache: DirectoryCache, folder: Path, root: Path, actor: Actor, now: datetime
) -> Directory:
    """Keep a folder's items as one change, and remove what its older versions brought and it does without. Raises
    Refused, and then nothing is kept."""
    if not folder.is_dir():
        raise Refused(
            Refusal(Code.NOT_FOUND, f"no seed at {folder.name}", errors=(("seed", "a folder of the seeds, or a path"),))
        )
    items: dict[tuple[str, str], tuple[str, str, Any]] = {}
    for noun, code, item in read_seed_items(folder, root):
        if (noun, code) in items and noun != "house":
            raise Refused(
                Refusal(Code.INVALID, f"{noun}.{code} stands there twice", errors=((f"{noun}.{code}", "twice"),))
            )
        items[(noun, code)] = (noun, code, item)
    if not items:
        raise Refused(
            Refusal(
                Code.INVALID,
                "the seed holds nothing",
                errors=(("seed", "at least one file of " + ", ".join(SEED_ORDER_NOUNS)),),
            )
        )
    known = await directory_cache.now(now)
    kept = [(noun, code, _with_local_changes(known.noun(noun).get(code), item)) for noun, code, item in items.values()]
    kept += [(*retired, None) for retired in _retired_items(folder, root) if retired not in items]
    return await change(directory_cache, kept, actor, now)


def _with_local_changes(current: Any, item: Any) -> Any:
    """An item of a seed, with what only this installation has: imported notices, own exceptions and duty overrides."""
    if isinstance(current, Calendar) and isinstance(item, Calendar):
        ours: dict[str, Any] = {"exceptions": {**item.exceptions, **current.exceptions}}
        known = with_notices_of(current, item)
        ours |= {name: getattr(known, name) for name in ("days", "names", "notices", "papers", "confirmed_to")}
        return replace(item, **ours)
    if isinstance(current, Roster) and isinstance(item, Roster):
        members = {m.code for m in item.members}
        stays = tuple(o for o in current.overrides if {o.member, o.instead_of} - {None} <= members)
        return replace(item, overrides=tuple(dict.fromkeys((*item.overrides, *stays))))
    return item


async def add_missing_items(
    directory_cache: DirectoryCache, folder: Path, root: Path, actor: Actor, now: datetime, *, save: bool
) -> Directory:
    """The directory with what a folder brings and it lacks; what is there stays as it is. `save` False: on paper
    only."""
    directory = await directory_cache.now(now)
    missing = [
        (noun, code, item) for noun, code, item in read_seed_items(folder, root) if code not in directory.noun(noun)
    ]
    if save:
        return await change(directory_cache, missing, actor, now) if missing else directory
    on_paper: dict[str, Any] = {noun: dict(directory.noun(noun)) for noun in SEED_ORDER_NOUNS}
    for noun, code, item in missing:
        on_paper[noun][code] = item
    candidate = Directory(directory.version + 1, **on_paper)
    refuse_errors(directory_errors(candidate))
    return candidate
