"""Paths of the files that are shipped with the code: inside the wheel, or at the top of a checkout."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def packaged_folder(name: str) -> Path:
    """The folder `name` (migrations, seeds). Raises FileNotFoundError where the installation is broken."""
    for place in (_HERE / "_shipped" / name, _HERE.parents[1] / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"{name} is missing from this installation")
