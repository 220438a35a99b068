"""THE PAGES: path, template, module and who may open each. Menu, routes and tests are made of this table."""

from collections.abc import Iterable
from dataclasses import dataclass

from hotline.domain.vocabulary import PEOPLE, WHOLE, Role

R = Role


@dataclass(frozen=True, slots=True)
class Page:
    """`name` is its key in the catalogue (`page.<name>`) and its module; `menu`: it stands in the menu."""

    name: str
    path: str
    roles: frozenset[Role]
    menu: bool = True


PAGES = (
    Page("take", "/console/take", frozenset({R.OPERATOR})),
    Page("dispatch", "/console/dispatch", frozenset({R.DISPATCHER, R.SUPERVISOR})),
    Page("board", "/console/board", frozenset(PEOPLE)),
    Page("tickets", "/console/tickets", frozenset(PEOPLE)),
    Page("wall", "/console/wall", frozenset(WHOLE)),
    Page("figures", "/console/figures", frozenset({R.DISPATCHER, R.HANDLER, R.SUPERVISOR, R.AUDITOR, R.ADMIN})),
    Page("reports", "/console/reports", frozenset({R.SUPERVISOR, R.AUDITOR, R.ADMIN})),
    Page("oversight", "/console/oversight", frozenset({R.AUDITOR, R.SUPERVISOR, R.ADMIN})),
    Page("admin", "/console/admin", frozenset({R.ADMIN})),
    Page("ticket", "/console/tickets/{number}", frozenset(PEOPLE), menu=False),
    Page("report", "/console/reports/{period}/{first}", frozenset({R.SUPERVISOR, R.AUDITOR, R.ADMIN}), menu=False),
)
# where somebody begins: the first of these that is theirs
_HOME = ("take", "dispatch", "wall", "board", "admin", "oversight")


def menu_of(roles: Iterable[Role]) -> list[Page]:
    """The pages somebody may open, in the order of the menu."""
    held = frozenset(roles)
    return [page for page in PAGES if page.menu and page.roles & held]


def home_of(roles: Iterable[Role]) -> Page | None:
    """Where somebody begins. A handler begins at the board, whatever else they may see."""
    held = frozenset(roles)
    theirs = {page.name: page for page in PAGES if page.roles & held}
    order = ("board", *_HOME) if R.HANDLER in held and R.OPERATOR not in held else _HOME
    return next((theirs[name] for name in order if name in theirs), None)
