"""One path for each action of a table, with a body and a page of the documentation of its own."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from hotline.locales.labels import label_pair
from hotline.refusals import Code, Refusal
from hotline.web.problems import problem_response
from hotline.web.responses import WRITE_REFUSALS, refusal_responses

ACTION_HELP = "`allowed_actions` in any reply says whether it would be accepted now, and what it needs."


@dataclass(frozen=True, slots=True)
class ActionRoutes:
    """The paths below `path` by which one kind of thing is acted on. `operation`: begins the id of each operation.
    `reply`: the type of what is answered."""

    router: APIRouter
    path: str
    operation: str
    reply: Any

    def add(self, action: StrEnum, endpoint: Callable[..., Awaitable[Response]], help_text: str) -> None:
        """One action; its two names stand in the summary and before the help."""
        zh, en = label_pair(action)
        endpoint.__doc__ = f"{en} ({zh}). {help_text}"
        self.router.post(
            f"{self.path}/{action}",
            operation_id=f"{self.operation}_{action}",
            response_model=self.reply,
            responses=refusal_responses(*WRITE_REFUSALS),
            summary=f"{en} · {zh}",
        )(endpoint)


def unknown_action(known: Iterable[str]) -> Response:
    """The refusal of an action that the table does not know. `known`: those that it does."""
    return unknown_action_because(f"one of {', '.join(sorted(known))}")


def unknown_action_because(rule: str) -> Response:
    return problem_response(Refusal(Code.UNKNOWN_ACTION, "no such action here", errors=(("action", rule),)))
