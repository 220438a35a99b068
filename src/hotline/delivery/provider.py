"""What a provider's file declares, whatever kind of gateway it serves. The registry finds these declarations."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hotline.delivery.gateway_settings import Faults, GatewaySettings, faults_in, needed_to_send

SHORTEST_TOKEN = 16  # characters


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that a gateway may have. `proves`: a push is authenticated by it; `to_send`: no text can be sent
    without it; `fault`: the rule that a value breaks, or None."""

    name: str
    about: str = ""
    proves: bool = False
    to_send: bool = False
    fault: Callable[[str], str | None] = lambda value: None


@dataclass(frozen=True, kw_only=True)
class GatewayProvider:
    """One provider. `name` is that of its file, or of its entry point: a-z, 0-9, _ and -, at most 40 characters.
    `about` is one line for administrators. If any of `secrets` proves, a gateway must have at least one that does.
    `same_machine`: it may run beside us, so HOTLINE_PUBLIC_URL may be a loopback address."""

    name: str
    about: str
    settings: type[GatewaySettings]
    secrets: tuple[Secret, ...] = ()
    same_machine: bool = False

    @property
    def secret_names(self) -> tuple[str, ...]:
        return tuple(secret.name for secret in self.secrets)

    def described(self) -> str:
        """What can be set, in one line for administrators: its own settings with what they are, then those that others
        have too."""
        own, fields = self.settings.__annotations__, self.settings.model_fields
        settings = [_said(name, field.description) for name, field in fields.items() if name in own]
        settings += [name for name in fields if name not in own]
        secrets = [_said(secret.name, secret.about) for secret in self.secrets]
        return f"{self.about}. Settings: {', '.join(settings)}. Secrets: {', '.join(secrets)}."

    def faults(self, settings: Mapping[str, Any], secrets: Mapping[str, Sequence[str]], *, sends: bool) -> Faults:
        """All that is wrong with what is set: (field, rule). No value is repeated."""
        proving = [s.name for s in self.secrets if s.proves]
        errors: Faults = []
        if proving and not any(secrets.get(name) for name in proving):
            errors.append(("secrets", "needs " + " or ".join(proving)))
        if not set(secrets) <= set(self.secret_names):
            errors.append(("secrets", f"one of {', '.join(self.secret_names)}"))
        errors += faults_in(self.settings, settings)
        for secret in self.secrets:
            broken = [rule for value in secrets.get(secret.name, ()) if (rule := secret.fault(value)) is not None]
            errors += [(f"secrets.{secret.name}", rule) for rule in broken[:1]]
        if sends:
            errors += needed_to_send(self.settings, settings)
            needed = [s.name for s in self.secrets if s.to_send and not secrets.get(s.name)]
            errors += [(f"secrets.{name}", "needed to send") for name in needed]
        return errors


def _said(name: str, about: str | None) -> str:
    return f"{name} ({about})" if about else name


def too_short(value: str) -> str | None:
    return "at least 16 characters" if len(value) < SHORTEST_TOKEN else None


def no_webhook_secret(value: str) -> str | None:
    """Standard Webhooks: `whsec_` and base64."""
    rule = "whsec_ and the base64 of 24 to 64 bytes; without =VALUE one is made"
    try:
        return None if 24 <= len(base64.b64decode(value.removeprefix("whsec_"), validate=True)) <= 64 else rule
    except (binascii.Error, ValueError):
        return rule


TOKEN = Secret("token", "in our URL", proves=True, fault=too_short)
