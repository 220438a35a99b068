"""What the process of the API holds: the libraries it imports, and its memory, as upper limits that may only fall."""

import subprocess
import sys

import pytest

# what a server never needs: colours for people, the tools of migrations, and what fits a model
UNUSED = ("rich.console", "alembic", "numpy", "scipy", "sklearn", "jieba", "pypinyin")
# the shipped community, no database, no model (numpy and a model of 60 codes add 22)
READY_MB = 130

SERVER = """
import sys
import hotline.cli
from hotline import serving
from hotline.organisation.service.seeding import read_seed_directory
from hotline.packaged_files import packaged_folder
from hotline.settings import Settings
from hotline.text.simplified import load_tables
from hotline.triage.model.lexicon import build_lexicon
from hotline.wiring import tune_memory

app = serving.build_server_app(Settings(), with_worker=False)
root = packaged_folder("seeds")
lexicon = build_lexicon(read_seed_directory(root / "ruiquan", root))
load_tables()
tune_memory()
"""


def _print_of_server(tail: str) -> str:
    run = subprocess.run([sys.executable, "-c", SERVER + tail], capture_output=True, text=True, check=True, timeout=120)
    return run.stdout.strip()


def test_a_server_imports_no_library_that_it_does_not_need() -> None:
    assert _print_of_server(f"print([name for name in {UNUSED} if name in sys.modules])") == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_server_that_is_ready_stays_small() -> None:
    resident = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmRSS')))"
    assert int(_print_of_server(resident)) / 1024 < READY_MB
