"""The shipped organisations as directories, for the pure rules of triage."""

from functools import cache
from typing import Any

from hotline.organisation.model.directory import SEED_ORDER_NOUNS, Directory
from hotline.organisation.service.seeding import read_seed_items
from hotline.packaged_files import packaged_folder


@cache
def seeded_directory(name: str) -> Directory:
    """The directory that `hotline seed NAME` makes."""
    found: dict[str, dict[str, Any]] = {noun: {} for noun in SEED_ORDER_NOUNS}
    for noun, code, item in read_seed_items(packaged_folder("seeds") / name, packaged_folder("seeds")):
        found[noun][code] = item
    return Directory(1, **found)
