"""A reply is what it was given: keys that may be absent are left out, and null stays null."""

from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter

from hotline.replies import ABSENT, reply_from_values, reply_type
from hotline.value_objects import replace


@reply_type(from_="from")
class Step:
    name: str
    from_: str | None
    note: str | None = ABSENT
    tries: int = ABSENT


@reply_type()
class Call:
    number: str
    answered: int


@reply_type()
class Check:
    name: str
    detail: str | None = ABSENT


@reply_type()
class TimedCheck(Check):
    seconds: float = ABSENT


def rendered(reply: object) -> object:
    return orjson.loads(orjson.dumps(reply))


def test_a_key_that_was_not_given_is_left_out_and_null_is_not() -> None:
    assert rendered(Step("call", None)) == {"name": "call", "from": None}
    assert rendered(Step("call", "new", note=None, tries=2)) == {
        "name": "call",
        "from": "new",
        "note": None,
        "tries": 2,
    }
    assert rendered(TimedCheck("spool", seconds=0.5)) == {"name": "spool", "seconds": 0.5}
    assert rendered(reply_from_values(Step, {"name": "call", "from": None, "tries": 1})) == {
        "name": "call", "from": None, "tries": 1,
    }  # fmt: skip


def test_what_is_absent_reads_as_false_and_is_not_null() -> None:
    step = Step("call", None)
    assert not step.note and step.note is not None and step.note is ABSENT
    assert step == Step("call", None) != Step("call", None, note=None)


@pytest.mark.parametrize(
    ("reply", "args", "given", "named"),
    [
        (Step, (), {}, "name"),
        (Step, ("call",), {}, "from_"),
        (Step, ("call", None), {"nott": "x"}, "nott"),
        (Step, ("call", None), {"tries": 1, "nott": 2}, "nott"),  # as many as there are fields
        (Step, ("call", None), {"tries": 1, "name": "text"}, "name"),
        (Step, ("call", None, "new", 1, 2), {}, "positional"),
        (Call, (), {"number": "1", "nott": 2}, "nott"),
        (Call, ("1",), {"number": "1"}, "number"),
        (Call, ("1", 2, 3), {}, "positional"),
    ],
)
def test_a_required_key_is_given_once_and_an_unknown_one_is_not(
    reply: Any, args: tuple[Any, ...], given: dict[str, Any], named: str
) -> None:
    with pytest.raises(TypeError, match=named):
        reply(*args, **given)
    assert rendered(Call("1", answered=2)) == {"number": "1", "answered": 2}


def test_a_copy_has_the_changed_keys_beside_the_others() -> None:
    step = replace(Step("call", "new"), tries=3)
    assert rendered(step) == {"name": "call", "from": "new", "tries": 3}
    assert rendered(replace(step, from_=None)) == {"name": "call", "from": None, "tries": 3}
    with pytest.raises(AttributeError):
        step.tries = 4  # type: ignore[misc]


def test_the_schema_requires_no_key_that_may_be_absent_and_tells_no_default() -> None:
    for reply, required in ((Step, ["name", "from"]), (TimedCheck, ["name"])):
        schema = TypeAdapter(reply).json_schema(mode="serialization")
        assert schema["required"] == required
        assert len(schema["properties"]) == len(required) + 2
        assert not [name for name, kind in schema["properties"].items() if "default" in kind]
