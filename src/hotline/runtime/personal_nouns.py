"""What the packages hold of callers, as they declare it."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from hotline.database.personal_data import PersonalNoun


class PersonalNouns:
    """The declared nouns, in the order in which they are erased. `declared` is called when they are first asked for."""

    def __init__(self, declared: Callable[[], Iterable[PersonalNoun]]) -> None:
        self._declared = declared

    @cached_property
    def nouns(self) -> Sequence[PersonalNoun]:
        return tuple(self._declared())
