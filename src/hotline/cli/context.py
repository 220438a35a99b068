"""The context of commands: the settings and services of this process."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from hotline.command_line import Work, run, say, stop

if TYPE_CHECKING:
    from hotline.database.schema_state import SchemaState
    from hotline.settings import Settings

T = TypeVar("T")


class ProcessCommandLine:
    """The `CommandLine` of commands, over the settings in the environment."""

    @cached_property
    def settings(self) -> "Settings":
        return read_settings()

    def with_services(self, work: Work[T], *, code: int = 1, as_found: bool = False) -> T:
        return run(_with_services(self.settings, work, as_found), code)

    def schema_state(self) -> "SchemaState":
        from hotline import wiring

        async def state(settings: "Settings") -> "SchemaState":
            wiring.require_database(settings)
            return await wiring.schema_state(settings)

        return run(state(self.settings))


async def _with_services(settings: "Settings", work: Work[T], as_found: bool) -> T:
    from hotline import wiring

    wiring.log_to_standard_error()
    async with wiring.open_services(settings, keep_permissions=as_found) as services:
        return await work(services)


def read_settings(**given: Any) -> "Settings":
    """The settings, with those of the command line over those of the environment; None: not given. Wrong ones are named
    and end the program."""
    from pydantic import ValidationError

    from hotline.settings import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as wrong:
        lines = [
            f"  HOTLINE_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in wrong.errors(include_input=False)
        ]
        stop("invalid settings:\n" + "\n".join(lines))


def check_schema(settings: "Settings") -> None:
    """Stop where this program cannot run on the database as it is; print a line where the database is newer and it
    can."""
    from hotline import wiring
    from hotline.database.schema_state import SchemaFit

    state = run(wiring.schema_state(settings))
    if not state.is_compatible:
        stop(state.says)
    if state.fit is SchemaFit.NEWER:
        say(state.says)
