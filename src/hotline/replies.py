"""The decorator of everything a reply is made of: a frozen dataclass that is cheap to make and to render."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import partial
from typing import Any, Final, TypeVar, dataclass_transform

T = TypeVar("T")
_new, _set = object.__new__, object.__setattr__


class _Absent:
    """The value of a key that is not there: false, and equal to nothing else."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final[Any] = _Absent()


@dataclass_transform(frozen_default=True)
def reply_type(**published_as: str) -> Callable[[type[T]], type[T]]:
    """A frozen dataclass. Its fields are the keys of the rendered object, in order; `from_="from"` publishes a field
    under a word that Python keeps for itself. A field's only default is ABSENT: a key that is left out unless it is
    given, which is not the same as null.

    It has no slots, and its fields are set at once. Made and rendered by orjson, 50 orders of 29 fields take 255 µs
    from slots, 185 without them, and 40 by `reply_from_values`."""

    def decorated(plain: type[T]) -> type[T]:
        made: Any = dataclass(frozen=True)(plain)
        made.__pydantic_config__ = {"defer_build": True}  # read for the OpenAPI document alone, when that is made
        attributes = [f.name for f in fields(made)]
        keys = [published_as.get(name, name) for name in attributes]
        count = len(keys)
        for f in fields(made):
            if f.default is ABSENT:  # a factory is a default that no schema shows
                f.default, f.default_factory = MISSING, _absent
        may_lack = frozenset(published_as.get(f.name, f.name) for f in fields(made) if f.default_factory is _absent)
        known = frozenset(keys)

        def set_all(self: Any, *args: Any, **given: Any) -> None:
            values = self.__dict__
            if args:
                values.update(zip(keys, args, strict=False))
            values.update(given)
            if published_as:
                for attribute, key in published_as.items():
                    if attribute in values:
                        values[key] = values.pop(attribute)
            if len(values) != count and not (may_lack and known - may_lack <= values.keys() <= known):
                raise TypeError(f"{made.__name__} takes exactly {', '.join(attributes)}")

        def replaced(self: Any, /, **changes: Any) -> Any:
            return made(**{**self.__dict__, **{published_as.get(name, name): v for name, v in changes.items()}})

        made.__init__, made.__replace__ = set_all, replaced
        for attribute, key in published_as.items():
            setattr(made, attribute, property(partial(_value, key)))
        own = plain.__annotations__
        made.__annotations__ = {published_as.get(name, name): kind for name, kind in own.items()}
        made.__dataclass_fields__ = dict(zip(keys, made.__dataclass_fields__.values(), strict=True))
        return made  # type: ignore[no-any-return]

    return decorated


def reply_from_values(reply_class: type[T], values: dict[str, Any]) -> T:
    """A reply made of the values of all its fields by name, for the rows of long lists: nothing is checked, and the
    values are the reply's own from then on."""
    made = _new(reply_class)
    _set(made, "__dict__", values)  # the frozen class itself lets nothing be set
    return made


def _absent() -> Any:
    return ABSENT


def _value(key: str, reply: Any) -> Any:
    return reply.__dict__[key]
