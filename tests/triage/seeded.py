"""The shipped organisations as directories, for the pure rules: each read once in a test process."""

from functools import cache

from hotline.organisation.model.directory import Directory
from hotline.organisation.service.seeding import read_seed_directory
from hotline.packaged_files import packaged_folder
from hotline.triage.model.lexicon import Lexicon, build_lexicon


@cache
def seeded_directory(name: str) -> Directory:
    """The directory that `hotline seed NAME` makes."""
    return read_seed_directory(packaged_folder("seeds") / name, packaged_folder("seeds"))


@cache
def seeded_lexicon(name: str) -> Lexicon:
    """What triage knows with that directory."""
    return build_lexicon(seeded_directory(name))
