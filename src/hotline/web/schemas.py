"""Parts of every reply: problems, labels, moves."""

from typing import Any

import orjson

from hotline.web.field_types import Shown


class Named(Shown):
    code: str
    name: str
    name_en: str


class Label(Shown):
    zh: str
    en: str


class MoveOut(Shown):
    action: str
    label: Label
    needs: list[str]


class ErrorOut(Shown):
    field: str
    rule: str
    rule_zh: str
    rule_zh_hant: str


class Problem(Shown):
    """RFC 9457. `type` is stable: `urn:hotline:problem:<code>`."""

    type: str
    title: str
    title_zh: str
    status: int
    detail: str
    errors: list[ErrorOut]
    allowed_actions: list[MoveOut] | None = None
    applied: bool | str | None = None
    version: int | None = None


def dumped(body: Any) -> str:
    return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS).decode()
