"""The declaration of a provider, for any kind of gateway. The registry finds these declarations."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hotline.delivery.gateway_settings import FieldErrors, GatewaySettings, missing_send_settings, settings_errors

MIN_TOKEN_LENGTH = 16  # characters


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that a gateway may have. `authenticates`: a webhook is authenticated by it; `required_to_send`: no text
    can be sent without it; `fault`: the rule that a value breaks, or None."""

    name: str
    about: str = ""
    authenticates: bool = False
    required_to_send: bool = False
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

    def description(self) -> str:
        """What can be set, in one line for administrators: its own settings with what they are, then those that others
        have too."""
        own, fields = self.settings.__annotations__, self.settings.model_fields
        settings = [_with_description(name, field.description) for name, field in fields.items() if name in own]
        settings += [name for name in fields if name not in own]
        secrets = [_with_description(secret.name, secret.about) for secret in self.secrets]
        return f"{self.about}. Settings: {', '.join(settings)}. Secrets: {', '.join(secrets)}."

    def faults(self, settings: Mapping[str, Any], secrets: Mapping[str, Sequence[str]], *, sends: bool) -> FieldErrors:
        """All that is wrong with what is set: (field, rule). No value is repeated."""
        proving = [s.name for s in self.secrets if s.authenticates]
        errors: FieldErrors = []
        if proving and not any(secrets.get(name) for name in proving):
            errors.append(("secrets", "needs " + " or ".join(proving)))
        if not set(secrets) <= set(self.secret_names):
            errors.append(("secrets", f"one of {', '.join(self.secret_names)}"))
        errors += settings_errors(self.settings, settings)
        for secret in self.secrets:
            broken = [rule for value in secrets.get(secret.name, ()) if (rule := secret.fault(value)) is not None]
            errors += [(f"secrets.{secret.name}", rule) for rule in broken[:1]]
        if sends:
            errors += missing_send_settings(self.settings, settings)
            needed = [s.name for s in self.secrets if s.required_to_send and not secrets.get(s.name)]
            errors += [(f"secrets.{name}", "needed to send") for name in needed]
        return errors


def _with_description(name: str, about: str | None) -> str:
    return f"{name} ({about})" if about else name


def token_error(value: str) -> str | None:
    return "at least 16 characters" if len(value) < MIN_TOKEN_LENGTH else None


def webhook_secret_error(value: str) -> str | None:
    """Standard Webhooks: `whsec_` and base64."""
    rule = "whsec_ and the base64 of 24 to 64 bytes; without =VALUE one is made"
    try:
        return None if 24 <= len(base64.b64decode(value.removeprefix("whsec_"), validate=True)) <= 64 else rule
    except (binascii.Error, ValueError):
        return rule


TOKEN = Secret("token", "in our URL", authenticates=True, fault=token_error)
