"""The report of an import: rows taken in, known from an earlier run, refused, or taken in with a warning."""

from dataclasses import dataclass, field

MOST_LISTED = 10_000  # refused rows a report lists; all are counted, and stand in the files that were asked for


@dataclass(slots=True)
class ImportReport:
    """What became of a file: taken in now, known from an earlier run, refused with (row, reason), taken in with
    something odd. `refused` lists the first MOST_LISTED; `by_rule` counts every broken rule."""

    taken: int = 0
    known: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    refused_count: int = 0
    by_rule: dict[str, int] = field(default_factory=dict)
    odd: dict[str, int] = field(default_factory=dict)
    by_status: dict[str, int] = field(default_factory=dict)

    def add_refusal(self, place: str, errors: tuple[tuple[str, str], ...]) -> str:
        """Count a row that is refused; why, as one text."""
        why = "; ".join(f"{column}: {rule}" if column else rule for column, rule in errors)
        self.refused_count += 1
        if len(self.refused) < MOST_LISTED:
            self.refused.append((place, why))
        for column, rule in errors:
            key = f"{column}: {rule}" if column else rule
            if key in self.by_rule or len(self.by_rule) < 1_000:
                self.by_rule[key] = self.by_rule.get(key, 0) + 1
        return why
