"""The page of the model that learns from decisions, rendered by the server."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request

from hotline.learning.model.training import LEAST_LABELS
from hotline.learning.schemas import render_model
from hotline.learning.service import load_overview
from hotline.locales import translate
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.directory import Directory, zone_of
from hotline.organisation.model.names import name_in
from hotline.organisation.store.people import load_person
from hotline.refusals import Code, Refusal, Refused
from hotline.text.bidi import isolate_text
from hotline.tickets.context import Services
from hotline.web.rule_texts import translate_stored

CONFUSIONS = 15  # pairs shown


async def model_page(request: Request, actor: Actor, language: str) -> Mapping[str, Any]:
    """What the page shows. Raises Refused (not found) for an actor limited to areas."""
    if actor.areas is not None:
        raise Refused(Refusal(Code.NOT_FOUND, "the model is of the whole organisation"))
    services: Services = request.app.state.services
    directory = await services.directory.now(services.clock())
    zone = zone_of(directory)
    model = render_model(await load_overview(services))

    people = {
        person: row.name
        for person in sorted({batch.by for version in model.versions for batch in version.set_aside})
        if (row := await load_person(services.db, person)) is not None
    }

    def local(moment: datetime) -> str:
        return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    state = translate(f"model_state.{model.use.state}", language) if model.use else ""
    mistakes = sorted((c for c in model.confusion if c.truth != c.guess), key=lambda c: (-c.count, c.truth, c.guess))
    return {
        "model": model,
        "least": LEAST_LABELS,
        "mistakes": mistakes[:CONFUSIONS],
        "local": local,
        "percent": _percent,
        "reasons_of": lambda reasons: "; ".join(_reason_text(directory, reason, language) for reason in reasons),
        "alarms_of": lambda alarms: ", ".join(translate(f"drift_alarm.{alarm}", language) for alarm in alarms),
        "category": lambda code: _category_name(directory, code, language),
        "use_reason": _use_text(directory, model.use.reason, language) if model.use else "",
        "people": people,
        "state_of": lambda version: state if model.use and model.use.version == version else "",
        "state": state,
    }


def _use_text(directory: Directory, reason: str, language: str) -> str:
    """Why a version was put into use: by hand, after a look at its record or for an alarm; or as it passed the gate."""
    begins, _, alarms = reason.partition("drift: ")
    if not begins and alarms:
        named = ", ".join(translate(f"drift_alarm.{alarm}", language) for alarm in alarms.split(", "))
        return translate("use_reason.drift", language, alarms=named)
    if (found := translate_stored("use_reason.", reason)) is not None:
        return reason if language == "en" else found[language == "zh-Hant"]
    return "; ".join(_reason_text(directory, each, language) for each in reason.split("; "))


def _reason_text(directory: Directory, reason: str, language: str) -> str:
    """Why a version passed the gate or did not, as it is stored; a category is named."""
    code, _, rest = reason.partition(" ")
    named = f"{_category_name(directory, code, language)} {rest}" if code in directory.categories else reason
    found = translate_stored("gate_reason.", named)
    return named if language == "en" or found is None else found[language == "zh-Hant"]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f} %"


def _category_name(directory: Directory, code: str, language: str) -> str:
    """A category the directory no longer has is shown by its code."""
    category = directory.categories.get(code)
    if category is None:
        return code
    return isolate_text(name_in(category, language))
