"""What is met of the OWASP Application Security Verification Standard: `python -m tools.asvs` prints docs/asvs.md, made
of docs/asvs.toml. `make docs` writes it."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "asvs.toml"
CHAPTERS = {
    1: "Encoding and sanitization",
    2: "Validation and business logic",
    3: "Web front end",
    4: "API and web service",
    5: "File handling",
    6: "Authentication",
    7: "Session management",
    8: "Authorization",
    9: "Self-contained tokens",
    10: "OAuth and OIDC",
    11: "Cryptography",
    12: "Secure communication",
    13: "Configuration",
    14: "Data protection",
    15: "Secure coding and architecture",
    16: "Security logging and error handling",
    17: "WebRTC",
}
HEAD = """# The OWASP standard (ASVS 5.0.0), levels 1 and 2

Generated from `docs/asvs.toml` by `make docs`; do not edit. The numbers are those of the
[standard](https://github.com/OWASP/ASVS/tree/master/5.0); what an item asks is told in our words, in a line. A test, a
document or a reason stands beside each.
"""


class State(StrEnum):
    MET = "met"
    NOT_APPLICABLE = "not-applicable"
    NOT_MET = "not-met"


@dataclass(frozen=True, slots=True)
class Item:
    """One requirement. `proof`: `path` or `path::test` from the top of the project; `why`: a reason, empty for none."""

    id: str
    level: int
    about: str
    state: State
    proof: tuple[str, ...] = ()
    why: str = ""

    @property
    def chapter(self) -> int:
        return int(self.id.partition(".")[0])


def items() -> list[Item]:
    """The table, in the order of the file."""
    return [
        Item(name, row["level"], row["about"], State(row["state"]), tuple(row.get("proof", ())), row.get("why", ""))
        for name, row in tomllib.loads(TABLE.read_text()).items()
    ]


def share_met(of: list[Item]) -> float:
    """How much of what applies is met, 0 to 1; 1 where nothing applies."""
    applies = [item for item in of if item.state is not State.NOT_APPLICABLE]
    return sum(item.state is State.MET for item in applies) / len(applies) if applies else 1.0


def markdown() -> str:
    """docs/asvs.md, whole."""
    found = items()
    return "\n".join([HEAD, *_summary(found), *(line for chapter in CHAPTERS for line in _chapter(chapter, found))])


def _summary(found: list[Item]) -> Iterator[str]:
    yield from ("| level | items | met | not met | not applicable | met of what applies |", "|---|---|---|---|---|---|")
    for level in (1, 2):
        of = [item for item in found if item.level == level]
        met, not_met, apart = (
            sum(item.state is state for item in of) for state in (State.MET, State.NOT_MET, State.NOT_APPLICABLE)
        )
        yield f"| {level} | {len(of)} | {met} | {not_met} | {apart} | {100 * share_met(of):.1f} % |"
    yield ""


def _chapter(chapter: int, found: list[Item]) -> Iterator[str]:
    yield from (f"## {chapter}. {CHAPTERS[chapter]}", "", "| item | level | what it asks | state | proof or reason |")
    yield "|---|---|---|---|---|"
    for item in found:
        if item.chapter == chapter:
            beside = [*(_link(proof) for proof in item.proof), *([item.why] if item.why else [])]
            yield f"| {item.id} | {item.level} | {item.about} | {item.state.replace('-', ' ')} | {'; '.join(beside)} |"
    yield ""


def _link(proof: str) -> str:
    path, _, test = proof.partition("::")
    return f"[{test.removeprefix('test_').replace('_', ' ') or path}](../{path})"


if __name__ == "__main__":
    print(markdown())
