"""The command that checks a running system: doctor."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, run, stop

if TYPE_CHECKING:
    from hotline.operations.findings import Finding
    from hotline.tickets.context import Services

commands = typer.Typer()
GROUPS = (commands,)


@commands.command()
def doctor(
    context: typer.Context,
    form: Annotated[str, typer.Option("--format", help="text or json")] = "text",
    heartbeat: Annotated[bool, typer.Option(help="Request HOTLINE_HEARTBEAT_URL if all checks pass")] = True,
) -> None:
    """Check the running system; exits 1 if any check fails.

    It looks for overdue timers, stopped escalations, old messages, gaps in calendars and rosters, orders of
    people and departments that are gone, clock skew, and settings that lose data. It changes nothing."""
    from dataclasses import asdict

    line: CommandLine = context.obj
    findings = _examine(line)
    failed = any(f.wrong for f in findings)
    outcome = _heartbeat(line, findings, wanted=heartbeat, failed=failed)
    failed = any(f.wrong for f in findings)
    if form == "json":
        report = {"well": not failed, "heartbeat": outcome, "findings": [asdict(f) for f in findings]}
        print(json.dumps(report, ensure_ascii=False, indent=1))
    elif form == "text":
        for f in findings:
            print(f"{'FAIL' if f.wrong else 'warn' if f.warns else 'ok':5}  {f.check:11} {f.says}")
            if f.wrong or f.warns:
                print(f"{'':19}{f.says_zh}")
        print(f"heartbeat: {outcome}")
    else:
        stop("format is one of text, json", 2)
    raise typer.Exit(1 if failed else 0)


def _examine(line: CommandLine) -> "list[Finding]":
    """What the checks found; of a database this program cannot run on, that alone."""
    from hotline.database.schema_state import SchemaFit
    from hotline.operations.doctor import run_checks
    from hotline.operations.findings import build_finding

    state = line.schema_state()
    if not state.is_compatible:
        key = {SchemaFit.TOO_NEW: "doctor.schema.too_new", SchemaFit.UNFINISHED: "doctor.schema.unfinished"}.get(
            state.fit, "doctor.schema.behind"
        )
        return [build_finding("schema", key, wrong=True, revision=state.revision or "-", newest=state.newest)]

    async def found(services: "Services") -> "list[Finding]":
        return await run_checks(services, services.clock())

    return line.with_services(found, as_found=True)


def _heartbeat(line: CommandLine, findings: "list[Finding]", *, wanted: bool, failed: bool) -> str:
    """Request the heartbeat's address where all checks passed; what came of it. A failure is added to the findings."""
    from hotline.delivery.heartbeat import heartbeat_to
    from hotline.delivery.notices import GatewayDown
    from hotline.operations.findings import build_finding

    address = line.settings.heartbeat_url
    if address is None:
        return "no address set"
    if not wanted:
        return "not requested"
    if failed:
        return "not sent: a check failed"

    async def beat() -> None:
        heartbeat = heartbeat_to(address)
        try:
            await heartbeat.beat()
        finally:
            await heartbeat.close()

    try:
        run(beat())
    except GatewayDown as down:
        findings.append(build_finding("heartbeat", "doctor.heartbeat.failed", wrong=True, why=down))
        return "failed"
    return "sent"
