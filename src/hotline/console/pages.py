"""The table of the console's pages: path, template, module and roles. Menu, routes and tests are made from it."""

from collections.abc import Iterable
from dataclasses import dataclass

from hotline.organisation.model.actors import AREA_WIDE_ROLES, PERSON_ROLES, Role

R = Role


@dataclass(frozen=True, slots=True)
class Page:
    """A page. `name`: its key in the catalogue (`page.<name>`) and its module; `icon`: its drawing of icons.svg in the
    menu; empty: it is not in the menu."""

    name: str
    path: str
    roles: frozenset[Role]
    icon: str = ""


PAGES = (
    Page("take", "/console/take", frozenset({R.OPERATOR}), "phone"),
    Page("dispatch", "/console/dispatch", frozenset({R.DISPATCHER, R.SUPERVISOR}), "send"),
    Page("waiting", "/console/waiting", frozenset({R.OPERATOR, R.DISPATCHER, R.SUPERVISOR, R.AUDITOR}), "back"),
    Page("board", "/console/board", frozenset(PERSON_ROLES), "board"),
    Page("tickets", "/console/tickets", frozenset(PERSON_ROLES), "list"),
    Page("wall", "/console/wall", frozenset(AREA_WIDE_ROLES), "wall"),
    Page(
        "figures", "/console/figures", frozenset({R.DISPATCHER, R.HANDLER, R.SUPERVISOR, R.AUDITOR, R.ADMIN}), "chart"
    ),
    Page("reports", "/console/reports", frozenset({R.SUPERVISOR, R.AUDITOR, R.ADMIN}), "file"),
    Page("model", "/console/model", frozenset({R.SUPERVISOR, R.AUDITOR, R.ADMIN}), "book"),
    Page("oversight", "/console/oversight", frozenset({R.AUDITOR, R.SUPERVISOR, R.ADMIN}), "eye"),
    Page("admin", "/console/admin", frozenset({R.ADMIN}), "gear"),
    Page("ticket", "/console/tickets/{number}", frozenset(PERSON_ROLES)),
    Page("incident", "/console/incidents/{code}", frozenset(PERSON_ROLES)),
    Page("search", "/console/search", frozenset(PERSON_ROLES)),
    Page("account", "/console/account", frozenset(PERSON_ROLES)),
    Page("report", "/console/reports/{period}/{first}", frozenset({R.SUPERVISOR, R.AUDITOR, R.ADMIN})),
)
_BEGINS = (  # the page of their work, by the first of these roles they hold
    (R.OPERATOR, "take"),
    (R.HANDLER, "board"),
    (R.DISPATCHER, "dispatch"),
    (R.SUPERVISOR, "wall"),
    (R.AUDITOR, "oversight"),
    (R.ADMIN, "admin"),
)


def menu_pages(roles: Iterable[Role]) -> list[Page]:
    """The pages these roles may open, in the order of the menu."""
    held = frozenset(roles)
    return [page for page in PAGES if page.icon and page.roles & held]


def home_page(roles: Iterable[Role]) -> Page | None:
    """The first page for these roles; None: they have no console."""
    held = frozenset(roles)
    name = next((name for role, name in _BEGINS if role in held), None)
    return next((page for page in PAGES if page.name == name), None)
