"""What a check of `hotline doctor` found, in words."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.locales import translate
from hotline.organisation.model.directory import Directory
from hotline.tickets.context import Services

SHOWN = 5  # names in one finding


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `wrong`: act now; `warns`: act soon."""

    check: str
    says: str
    says_zh: str
    wrong: bool = False
    warns: bool = False


def build_finding(
    check: str,
    key: str,
    *,
    wrong: bool = False,
    warns: bool = False,
    chinese: Mapping[str, object] | None = None,
    **values: object,
) -> Finding:
    """A finding in words: the text of a key. `chinese`: the values that read otherwise in Chinese."""
    text, text_zh = translate(key, "en", **values), translate(key, "zh-Hans", **{**values, **(chinese or {})})
    return Finding(check, text, text_zh, wrong, warns)


def list_finding(check: str, key: str, names: Iterable[str], **values: Any) -> Finding:
    """A warning with the first of these names, each once."""
    distinct = list(dict.fromkeys(names))
    shown, rest = distinct[:SHOWN], distinct[SHOWN:]
    which, which_zh = ", ".join([*shown, *("…" for _ in rest[:1])]), "、".join([*shown, *("…" for _ in rest[:1])])
    return build_finding(check, key, warns=True, which=which, chinese={"which": which_zh}, **values)


def at_least(count: int, bound: int) -> tuple[object, object]:
    """A count that is only known up to a bound, in English and in Chinese."""
    if count < bound:
        return count, count
    return translate("doctor.at_least", "en", count=bound), translate("doctor.at_least", "zh-Hans", count=bound)


Check = Callable[[Services, Directory, datetime], Awaitable[list[Finding]]]
