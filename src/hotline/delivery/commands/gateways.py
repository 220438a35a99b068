"""Commands about gateways: gateway add, providers, list, set, remove."""

import json
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.command_line import CommandLine, say, stop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotline.delivery.context import DeliveryServices

commands = typer.Typer(name="gateway", help="SMS providers, exchanges, other hotlines, chat groups' robots.")
SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        help="NAME=VALUE, NAME=@FILE, NAME=- (a line of standard input), or NAME alone: generated and printed",
    ),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="NAME=VALUE; lists and objects as JSON; an empty value removes it")
]
Sends = typer.Option(help="Send our text messages through it")
Weight = typer.Option(help="Its share of outgoing texts, 0 to 100")


@commands.command("add")
def add_gateway(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name in URLs: /v1/hooks/sms/NAME")],
    provider: Annotated[str, typer.Option(help="kannel, twilio, vonage, aliyun, … : `hotline gateway providers`")],
    secret: SecretOption = None,
    set_: SetOption = None,
    sends: Annotated[bool, Sends] = False,
    weight: Annotated[int, Weight] = 50,
) -> None:
    """Add a gateway and store its secrets encrypted.

    Prints the address to give to the provider."""
    from hotline.delivery.gateways import NewGateway, create_gateway
    from hotline.organisation.model.actors import COMMAND_LINE

    line: CommandLine = context.obj
    hidden, generated = _secrets(secret or [])
    values = _values(set_ or [])

    async def add_it(services: "DeliveryServices") -> str:
        gateway = NewGateway(name, provider, values, hidden, sends=sends, weight=weight)
        await create_gateway(services.gateways, gateway, COMMAND_LINE.id, services.clock(), COMMAND_LINE)
        return (await services.gateways.now(services.clock()))[name].kind

    kind = line.with_services(add_it)
    _print_generated(generated)
    if kind == "robot":  # it is spoken to, and asks us nothing
        return
    url, token = line.settings.public_url.rstrip("/"), "?token=…" if "token" in hidden else ""
    print(f"address: {url}/v1/hooks/{kind}/{name}{token}")
    if "public_url" not in line.settings.model_fields_set:
        say("HOTLINE_PUBLIC_URL is not set: providers cannot reach this address, and their signatures will not match")
    if kind == "sms":
        print(f"reports: {url}/v1/hooks/sms/{name}/status{token}")


@commands.command("providers")
def list_providers() -> None:
    """List the providers and the settings each needs."""
    from hotline.delivery import registry
    from hotline.delivery.model import GatewayKind
    from hotline.delivery.provider import GatewayProvider
    from hotline.refusals import Refused

    for kind in GatewayKind:
        for name in registry.provider_names(kind):
            try:
                about = registry.find_provider(kind, name, GatewayProvider).description()
            except Refused as refused:
                about = refused.refusal.detail
            print(f"{name:14} {kind:7} {about}")


@commands.command("list")
def list_gateways(context: typer.Context) -> None:
    """List the gateways, one JSON line each.

    Of secrets it shows only how many values of each are valid."""

    async def listed(services: "DeliveryServices") -> list[dict[str, Any]]:
        return [
            {
                "name": g.name, "kind": g.kind, "provider": g.provider, "active": g.active, "sends": g.sends,
                "weight": g.weight, "resting": g.resting, "settings": dict(g.account.settings),
                "secrets": {k: len(v) for k, v in g.account.secrets.items()},
            }
            for g in (await services.gateways.now(services.clock())).values()
        ]  # fmt: skip

    line: CommandLine = context.obj
    for gateway in line.with_services(listed):
        print(json.dumps(gateway, ensure_ascii=False))


@commands.command("set")
def set_gateway(
    context: typer.Context,
    name: str,
    set_: SetOption = None,
    secret: SecretOption = None,
    drop: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of a secret to refuse from now on")] = None,
    active: Annotated[bool | None, typer.Option(help="Receive and send through it")] = None,
    sends: Annotated[bool | None, Sends] = None,
    weight: Annotated[int | None, Weight] = None,
) -> None:
    """Change a gateway.

    A new secret is valid beside the old one until the old one is dropped."""
    from hotline.delivery.gateways import GatewayChange, change_gateway
    from hotline.organisation.model.actors import COMMAND_LINE

    hidden, generated = _secrets(secret or [])
    dropped, _ = _secrets(drop or [])

    async def change_it(services: "DeliveryServices") -> None:
        wanted = GatewayChange(_values(set_ or []), hidden, dropped, active=active, sends=sends, weight=weight)
        await change_gateway(services.gateways, name, wanted, services.clock(), COMMAND_LINE)

    line: CommandLine = context.obj
    line.with_services(change_it)
    _print_generated(generated)
    say("changed")


@commands.command("remove")
def remove_gateway(context: typer.Context, name: str) -> None:
    """Remove a gateway and its secrets. What it received stays."""
    from hotline.delivery.gateways import delete_gateway
    from hotline.organisation.model.actors import COMMAND_LINE

    async def remove_it(services: "DeliveryServices") -> None:
        await delete_gateway(services.gateways, name, services.clock(), COMMAND_LINE)

    line: CommandLine = context.obj
    line.with_services(remove_it)
    say("removed")


def _secrets(given: "Sequence[str]") -> tuple[dict[str, list[str]], dict[str, str]]:
    """The secrets of NAME=VALUE, NAME=@FILE, NAME=- or NAME alone, by name; and those of them generated here."""
    from hotline.delivery.notices import new_signing_secret

    found: dict[str, list[str]] = {}
    generated: dict[str, str] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            # `secret` signs as Standard Webhooks do; all others are compared as they are
            value = generated[name] = new_signing_secret() if name == "secret" else secrets.token_urlsafe(32)
        elif value == "-":
            value = sys.stdin.readline().rstrip("\n")
        elif value.startswith("@"):
            try:
                value = Path(value[1:]).read_text(encoding="utf-8").strip()
            except OSError as fault:
                stop(f"cannot read the file of {name}: {fault.strerror}")
        if not value:
            stop(f"the secret {name} is empty")
        found.setdefault(name, []).append(value)
    return found, generated


def _print_generated(generated: "Mapping[str, str]") -> None:
    for name, value in generated.items():
        print(f"{name}: {value}     (shown once)")


def _values(given: "Sequence[str]") -> dict[str, Any]:
    """Settings of NAME=VALUE, where VALUE is a JSON list or object, or else text; None: to be removed."""
    found: dict[str, Any] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            stop(f"settings are NAME=VALUE: {name}")
        try:
            found[name] = None if value == "" else json.loads(value) if value[0] in "[{" else value
        except ValueError:
            stop(f"the value of {name} is not valid JSON")
    return found
