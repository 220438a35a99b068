"""What the process of the API holds: the libraries it imports, and its memory, as upper limits that may only fall."""

import subprocess
import sys

import pytest

# what a server never needs: colours for people, the tools of migrations, and what fits a model
UNUSED = ("rich.console", "alembic", "numpy", "pydantic.v1", "scipy", "sklearn", "jieba", "pypinyin")
# the shipped community, no database
READY_MB = 132
# and a version in use with the n-grams and codes of 6,500 decisions: the goal is 150 MB, which are 143.1 MiB; a process
# differs from the next by some hundred kB
IN_USE_MB = 143.5

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

# what a version in use holds: the arrays are read as a process reads them, and what is read is dropped
MODEL = """
import numpy
from hotline.learning.model.training import ModelHead
from hotline.learning.scoring import LinearModel, ModelMeta, pack_arrays
from hotline.runtime.memory import release_unused_memory

codes = tuple(f"code-{n}" for n in range(85))
slots = numpy.arange(22_600) * 11
weights = numpy.sin(numpy.arange(len(slots) * len(codes), dtype=numpy.float32)).reshape(len(slots), len(codes))
arrays = pack_arrays(slots, weights, numpy.zeros(len(codes)))
model = LinearModel(ModelMeta(1, True, (ModelHead("category", codes),), {}), arrays)
model.form_opinion("电梯坏了", lexicon.directory)
del arrays, slots, weights
release_unused_memory()
"""
RESIDENT = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmRSS')))"


def _print_of_server(tail: str) -> str:
    run = subprocess.run([sys.executable, "-c", SERVER + tail], capture_output=True, text=True, check=True, timeout=120)
    return run.stdout.strip()


def test_a_server_imports_no_library_that_it_does_not_need() -> None:
    assert _print_of_server(f"print([name for name in {UNUSED} if sys.modules.get(name)])") == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("more", "limit"), [("", READY_MB), (MODEL, IN_USE_MB)], ids=["ready", "version in use"])
def test_a_server_stays_small(more: str, limit: float) -> None:
    assert int(_print_of_server(more + RESIDENT)) / 1024 < limit
