"""The texts of an alert outside the pages, in each language: place and kind, nothing of the caller."""

from collections.abc import Mapping
from datetime import datetime

from hotline.alerts.model import Alert, WaitsFor, local_name, place_of
from hotline.alerts.service import officers_for
from hotline.locales import translate
from hotline.organisation.model.directory import Directory

_WAITS: Mapping[WaitsFor, str] = {
    WaitsFor.DISPATCH: "alert.text_dispatch",
    WaitsFor.ACCEPTANCE: "alert.text_acceptance",
    WaitsFor.RULING: "alert.text_ruling",
}


def _parts(alert: Alert, directory: Directory, language: str) -> dict[str, str]:
    words = {
        "language": language,
        "building": translate("address.building", language),
        "unit": translate("address.unit", language),
    }
    kind = (
        (", " if language == "en" else "、").join(translate(f"danger.{danger}", language) for danger in alert.dangers)
        if alert.dangers
        else local_name(directory.named("categories", alert.category), words)
        if alert.category
        else translate("priority.emergency", language)
    )
    place = "" if alert.confidential else place_of(alert, directory, words)
    names = [local_name(directory.named("departments", order.holder), words) for order in alert.orders]
    return {
        "place": place or translate("alert.no_place", language),
        "kind": kind,
        "waits": translate(_WAITS[alert.waits_for], language),
        "departments": ", ".join(dict.fromkeys(names)) or "-",
    }


def group_text(alert: Alert, directory: Directory, language: str, public_url: str, now: datetime) -> str:
    """For a chat group: with who is on duty, and a link."""
    officers = officers_for(directory, [order.holder for order in alert.orders], now)
    duty = " ".join(filter(None, (officers[0].member.name, officers[0].member.phone))) if officers else ""
    values = {
        **_parts(alert, directory, language),
        "duty": duty or translate("alert.nobody", language),
        "number": alert.number,
        "url": f"{public_url.rstrip('/')}/console/tickets/{alert.number}",
    }
    return translate("alert.text", language, **values)


def push_texts(alert: Alert, directory: Directory, language: str) -> dict[str, str]:
    """For a notification of a browser: title and body."""
    parts = _parts(alert, directory, language)
    return {
        "title": translate("alert.push_danger", language, **parts),
        "body": translate("alert.push_body", language, **parts),
    }
