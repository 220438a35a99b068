"""The commands of retention: retention show, set, run."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.command_line import CommandLine, say, stop

if TYPE_CHECKING:
    from hotline.jobs import RetentionRule
    from hotline.tickets.context import Services

retention = typer.Typer(name="retention", help="How long each kind of data is kept.", no_args_is_help=True)
# kept or deleted by something else than a period of this table; `retention.fixed.<name>` tells by what
FIXED = ("security_log", "sessions", "recordings", "throttles", "spool", "figures")
WITHOUT_END = "without end"


@retention.command("show")
def show(context: typer.Context) -> None:
    """Print for how long each kind of data is kept, and why no shorter."""
    from hotline.locales import translate

    async def work(services: "Services") -> list[tuple["RetentionRule[Services]", int | None, bool]]:
        from hotline.runtime.retention import days_of, load_chosen_periods

        chosen = await load_chosen_periods(services.db)
        return [(rule, days_of(rule, chosen), rule.name in chosen) for rule in _rules(services)]

    line: CommandLine = context.obj
    for rule, days, is_chosen in line.with_services(work):
        period: Any = rule.period
        told = WITHOUT_END if days is None else f"{days} days"
        default = WITHOUT_END if period.days is None else f"{period.days} days"
        print(f"{rule.name:14} {told:12} {translate(f'retention.{rule.name}', 'en')}")
        if is_chosen:
            print(f"{'':27} by default: {default}")
        if period.minimum_why:
            print(f"{'':27} at least {period.minimum} days: {translate(period.minimum_why, 'en')}")
    for name in FIXED:
        print(f"{name:27} {translate(f'retention.fixed.{name}', 'en')}")


@retention.command("set")
def set_period(
    context: typer.Context,
    noun: Annotated[str, typer.Argument(help="As `hotline retention show` names it")],
    days: Annotated[str, typer.Argument(help="Days, `never` to keep it without end, or `default`")],
) -> None:
    """Choose how long a kind of data is kept; the worker goes by it from its next look on."""
    if days not in ("never", "default") and not (days.isascii() and days.isdigit() and len(days) <= 5):
        stop("DAYS: a number of days, `never` or `default`", 2)

    async def work(services: "Services") -> None:
        from hotline.organisation.model.actors import COMMAND_LINE
        from hotline.refusals import Code, Refusal, Refused
        from hotline.runtime.retention import delete_period, write_period
        from hotline.security_log.store import SecurityEvent, record_deed
        from hotline.security_log.vocabulary import Deed

        rule = next((each for each in _rules(services) if each.name == noun), None)
        if rule is None or rule.period is None:
            known = ", ".join(each.name for each in _rules(services))
            raise Refused(Refusal(Code.INVALID, "no such noun", errors=(("NOUN", f"one of {known}"),)))
        chosen = int(days) if days.isdigit() else None
        if chosen is not None and chosen < rule.period.minimum:
            at_least = f"at least {rule.period.minimum}: see `hotline retention show`"
            raise Refused(Refusal(Code.INVALID, "shorter than it may be", errors=(("DAYS", at_least),)))
        now = services.clock()
        about = ("retention", noun)
        event = SecurityEvent(Deed.RETENTION_CHANGED, COMMAND_LINE, now, about, {"days": days}, address=None)

        def write(c: Any) -> None:
            if days == "default":
                delete_period(c, noun)
            else:
                write_period(c, noun, chosen, COMMAND_LINE.id, now)
            record_deed(c, event)

        await services.db.transact(write)

    line: CommandLine = context.obj
    line.with_services(work)
    say(f"{noun}: {days}")


@retention.command("run")
def run(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go; change nothing")] = False,
) -> None:
    """Delete what is past its time now, as the worker does of itself."""

    async def count(services: "Services") -> dict[str, int]:
        from hotline.runtime.retention import count_due

        return await count_due(services, services.clock())

    async def work(services: "Services") -> dict[str, int]:
        from collections import Counter

        from hotline.organisation.model.actors import COMMAND_LINE
        from hotline.runtime.retention import tidy
        from hotline.security_log.store import SecurityEvent, record_deed
        from hotline.security_log.vocabulary import Deed

        now, done = services.clock(), Counter[str]()
        names = [rule.name for rule in _rules(services)]
        more = True
        while more:
            step = await tidy(services, now)
            done.update({name: step[name] for name in names})
            more = any(step[name] for name in names)
        event = SecurityEvent(Deed.RETENTION_APPLIED, COMMAND_LINE, now, None, dict(+done), address=None)
        await services.db.transact(lambda c: record_deed(c, event))
        return {name: done[name] for name in names}

    line: CommandLine = context.obj
    for name, rows in line.with_services(count if dry_run else work).items():
        print(f"{name:14} {rows}")
    if dry_run:
        say("nothing was changed")


def _rules(services: "Services") -> list["RetentionRule[Services]"]:
    from hotline.runtime.retention import RetentionRules

    return [rule for rule in services.part(RetentionRules).rules if rule.period is not None]
