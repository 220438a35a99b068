"""Keeps the gettext catalogues of `hotline.locales` complete: `python -m tools.catalogues check` or `update`.

A key is needed where a call names it (`text("app.close", …)`, `t("app.close")`), where a word of a vocabulary has a
label (`status.closed`), or where a key is put together from a prefix that stands in the source (`"figures.by." + by`).
Babel extracts the calls and reads and writes the files; the program itself reads them without Babel.
"""

import argparse
import io
import re
import string
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from functools import cache
from gettext import GNUTranslations
from itertools import chain
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from hotline.console.pages import PAGES
from hotline.delivery.model import MessageStatus
from hotline.incidents.model import vocabulary as incident_vocabulary
from hotline.learning import vocabulary as learning_vocabulary
from hotline.locales import LANGUAGES
from hotline.locales.labels import family_of
from hotline.organisation.model import actors, vocabulary
from hotline.organisation.model.directory import ITEM_TYPES
from hotline.organisation.model.vocabulary import Level
from hotline.organisation.service.directory import item_schema
from hotline.refusals import Code
from hotline.reporting import vocabulary as report_vocabulary
from hotline.reporting.model import FIGURES
from hotline.reporting.vocabulary import ExportKind, Period
from hotline.security_log.vocabulary import Deed
from hotline.sms.model import status
from hotline.tickets.model import vocabulary as ticket_vocabulary
from hotline.tickets.model.measures import MEASURES, OVERDUE_NAMES
from hotline.tickets.model.vocabulary import Outcome, TicketStatus
from hotline.tickets.next_step import StepReason
from hotline.triage.model import guidance
from hotline.triage.model.danger import judging
from hotline.webhooks.model import EVENT_TYPES, TEST_TYPE

# vocabularies with a label for every word
LABELLED = (
    ticket_vocabulary.Action,
    actors.ActorKind,
    vocabulary.AreaLevel,
    ticket_vocabulary.AssignmentStatus,
    ticket_vocabulary.AttachmentPurpose,
    vocabulary.AttributeType,
    vocabulary.Channel,
    vocabulary.Counting,
    vocabulary.Danger,
    vocabulary.DayEnd,
    ticket_vocabulary.DeclineReason,
    ticket_vocabulary.DepartureReason,
    vocabulary.DepartmentKind,
    guidance.EmergencyService,
    report_vocabulary.ExportStatus,
    ticket_vocabulary.Fault,
    ticket_vocabulary.Field,
    ticket_vocabulary.Funding,
    vocabulary.Hours,
    incident_vocabulary.IncidentAction,
    incident_vocabulary.IncidentField,
    incident_vocabulary.IncidentState,
    vocabulary.Intake,
    vocabulary.Kind,
    vocabulary.Level,
    judging.Lowered,
    vocabulary.Metric,
    vocabulary.Outer,
    ticket_vocabulary.Part,
    report_vocabulary.Period,
    vocabulary.Priority,
    vocabulary.Reach,
    vocabulary.Receiver,
    ticket_vocabulary.Reached,
    StepReason,
    ticket_vocabulary.ReturnReason,
    learning_vocabulary.ModelState,
    actors.Role,
    ticket_vocabulary.Satisfaction,
    vocabulary.Starts,
    status.TextStatus,
    ticket_vocabulary.TicketStatus,
    vocabulary.Unit,
    ticket_vocabulary.VoidReason,
)

SOURCE = Path(__file__).resolve().parent.parent / "src/hotline"
CONSOLE = SOURCE / "console"
PAGES_OF_RESIDENTS = SOURCE / "public"
LOCALES = {language: SOURCE / "locales" / language.replace("-", "_") for language in LANGUAGES}
ENGLISH = "en"
KEY = re.compile(r"[a-z_][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)+")
# the functions that take a key first, by the kind of file
CALLS: Mapping[str, tuple[str, Sequence[str]]] = {
    ".py": ("python", ("text", "pair", "bilingual", "say", "t")),
    ".js": ("javascript", ("t", "text", "say")),
    ".html": ("jinja2.ext:babel_extract", ("t",)),
}
OPEN = (
    "danger_ask.", "danger_say.", "drift_alarm.", "flag.", "gate_reason.", "place_role.", "public_action.", "rule.",
    "system_said.", "system_text.", "use_reason.",
)  # fmt: skip  # prefixes of which the catalogue itself says what there is
UNWANTED = (b'"Generated-By', b'"Report-Msgid', b'"Last-Translator', b'"Language-Team')  # headers that say nothing
# what translators are told of every text under a prefix
CONTEXT: Mapping[str, str] = {
    "date": "a date as people write it",
    "acd": "Figure of the call centre.",
    "account": "Page of one's own account.",
    "action": "What is done to a ticket or an assignment, on a button and in the history: a bare verb.",
    "actor": "Kind of whoever did something.",
    "address": "Part of an address, where {n} is what stands on the door.",
    "admin": "Administration page.",
    "alert": "Danger that nobody has taken on: bar, bell, notification, robot in a chat group.",
    "alarm": "Notice to operators about the system.",
    "app": "Every page of the console.",
    "theme": "How light a page is: one of three choices, each with a drawing.",
    "area_level": "Level of an area.",
    "attachment_purpose": "What a photo of a ticket shows: the place before the work, after it, or something else.",
    "attribute_type": "Type of an extra question of a category.",
    "calendar": "Page of a calendar: days off and make-up workdays, and the import of a year's notice.",
    "deed": "What was done, in the security log.",
    "subject": "What a row of the security log is about, who did it without a name, and how it ended.",
    "delivery": "State of a delivery to a webhook.",
    "delivery_fault": "Why a message to another system did not arrive.",
    "event": "Type of an event that a webhook is sent.",
    "robot": "Page of the robot of a chat group.",
    "roster": "Page of a duty roster.",
    "webhook": "Page of a webhook.",
    "back": "Dispatch page: returns, extensions and reviews of a ticket.",
    "board": "Board of a department.",
    "bulk": "Dispatch page: many selected tickets at once.",
    "caller": "The caller's name and number, shown for a moment.",
    "certainty": "How certain a proposed department is.",
    "channel": "How a call came in.",
    "chart": "Title of a chart.",
    "colour": "State of a timer, told by its colour.",
    "counting": "How days are counted.",
    "danger": "Kind of danger found in a narrative.",
    "danger_ask": "Question that an operator asks a caller in danger; short and spoken.",
    "danger_panel": "Panel of a danger, beside the call that is being taken.",
    "danger_do": "What somebody in danger does while help comes, on the residents' pages and in text messages; short.",
    "danger_say": "Sentence that an operator says to a caller in danger at once; spoken, in the polite form.",
    "day_end": "When the last day of a deadline ends.",
    "decline_reason": "Why a ticket is declined.",
    "departure_reason": "Why an order was taken from whoever had it, in the history; a name follows.",
    "department_kind": "Kind of department.",
    "dispatch": "Dispatch page.",
    "doctor": "Finding of `hotline doctor`, for whoever runs the system.",
    "duty": "Who is on duty now, in the bar of a page.",
    "drift_alarm": "What the weekly check of the learning model found.",
    "export": "Export of tickets and histories.",
    "export_status": "State of an export.",
    "factor": "Second step of a sign-in, and how it is set up.",
    "fault": "What is wrong with a department's result.",
    "emergency_service": "Whom a caller is told to call.",
    "field": "Field of an action's form.",
    "figure": "Name of a figure; `.note` says what it counts.",
    "figures": "Statistics page.",
    "flag": "Flag of a ticket that the system set, at its head.",
    "forbidden": "Page somebody's role may not open.",
    "form": "Forms of actions.",
    "funding": "Who pays for a repair.",
    "use_reason": "Why a version of the learning model was put into use; the English text is stored.",
    "gate_reason": "Why a version of the learning model passed its test or did not; the English text is stored.",
    "hours": "When a row of the dispatch catalogue holds.",
    "incident_action": "What is done to an incident, on a button and in its history: a bare verb.",
    "incident_field": "Field of an action on an incident.",
    "incident_say": "What the operator tells a caller about an incident.",
    "incident_state": "State of an incident.",
    "incidents": "List of incidents, many calls about one matter, on the dispatch page and the wallboard.",
    "intake": "How an Open311 report is answered.",
    "item": "Field of the administration's forms.",
    "item_form": "Forms of administration.",
    "kind": "Kind of request.",
    "language": "Switch of languages: each language names itself, in all catalogues alike.",
    "level": "Level of a supervision or an alert.",
    "login": "Sign-in page.",
    "lowered": "Why words of danger count for less.",
    "measure": "What figures are made of: a count.",
    "model": "Page of the model that learns from persons' decisions; its figures.",
    "model_state": "Whether the model decides by itself or is only recorded.",
    "message_part": "Part of a text message.",
    "message_template": "Text message. {hotline} stands first as its signature; one segment is 70 characters, or 160.",
    "metric": "Timer of a ticket or an assignment.",
    "moment": "A moment as a text message tells it. The formats are those of strftime.",
    "noun": "Kind of data on the administration page.",
    "oidc": "Sign-in at an identity provider; why nobody was signed in.",
    "open311_action": "Step of a ticket as Open311 tells the public.",
    "open311_said": "Sentence about a ticket for the public, by Open311.",
    "order": "State of an assignment: 待…, …中 or 已….",
    "outbox": "What a handler did without a connection, and waits on the phone to be sent.",
    "outcome": "How a ticket ended.",
    "outer": "How another hotline's deadline counts.",
    "oversight": "Oversight page.",
    "page": "Page in the menu: four characters at most.",
    "part": "Part a department has in a ticket.",
    "period": "Period of a report.",
    "photo": "Photos and files of a ticket.",
    "place_role": "What a named place is in a narrative.",
    "priority": "Priority of a ticket.",
    "privacy": "What is held of a caller, and what an erasure does, told to the caller or to an administrator.",
    "problem": "Title of an error: what happened, then what to do. Never blame.",
    "public_action": "Step of a ticket as its resident reads it: no jargon.",
    "public_status": "State of a ticket as its resident reads it: no jargon.",
    "receiver": "Who is told by a step of an escalation policy.",
    "reach": "How far calls about one matter may lie apart.",
    "reached": "How a call-back ended.",
    "report_form": "Form of a result, on a phone: photos, what came of it, words for the resident.",
    "reports": "Reports page.",
    "resident": "Residents' own pages: plain words, nobody is blamed, no jargon.",
    "retention": "How long a kind of data is kept, and why.",
    "return_reason": "Why a department returns an assignment.",
    "role": "Role of a person or a key.",
    "rule": "What a field must be, shown after the field's name. The English is part of the API: never change it here.",
    "satisfaction": "Rating by the caller.",
    "starts": "When a timer starts.",
    "status": "State of a ticket: 待…, …中 or 已….",
    "step_reason": "Why a step is the next one for whoever looks at a ticket.",
    "system_text": "What the system writes into a history or an explanation, stored in English.",
    "system_said": "How a text of the family system_text that is stored as a code is shown to people.",
    "table": "Table of tickets that is gone through by keys.",
    "ahead": "What will happen to a call once it is sent.",
    "sure": "How sure the rules are of a category, in words.",
    "keys": "What a key of the keyboard does.",
    "undo": "Ten seconds to undo the last step, in the bar of every page.",
    "take": "Page on which a call is logged.",
    "text": "State of a text message.",
    "ticket": "Page of one ticket.",
    "tickets": "Search of tickets.",
    "time": "Time left or over.",
    "unit": "What a limit counts.",
    "void_reason": "Why a ticket is voided.",
    "views": "Saved views of a list.",
    "waiting": "List of call-backs and reviews.",
    "wall": "Wallboard.",
    "weekday": "Day of the week; 0 is Monday.",
}


def _fields_of_administration() -> set[str]:
    """Every field of the forms of administration: of the directory's nouns, and of what stands beside it."""
    found = {"login", "password", "roles", "url", "events"}
    for noun in ITEM_TYPES:
        shape = item_schema(noun)
        for part in (shape, *shape.get("$defs", {}).values()):
            for name, field in part.get("properties", {}).items():
                found |= {name, *field.get("items", {}).get("x-parts", {}).get("properties", {})}
    return found


# what a row of the security log may be about, besides the directory's nouns; who did it without a name; how it ended
SUBJECTS = (
    "caller", "export", "failed", "feed", "gateway", "key", "nobody", "person", "provider", "refused", "subscription",
    "system", "ticket",
)  # fmt: skip


@cache
def families() -> dict[str, Sequence[str]]:
    """prefix -> words: every word must have a text under the prefix."""
    return {
        **{family_of(words): tuple(words) for words in LABELLED},
        "public_status": tuple(TicketStatus),
        "problem": tuple(Code),
        "outcome": tuple(Outcome),
        "export": tuple(ExportKind),
        "reports": tuple(Period),
        "colour": ("green", *Level, "grey"),
        "figure": tuple(FIGURES),
        "measure": (*MEASURES, *OVERDUE_NAMES.values()),
        "deed": tuple(Deed),
        "subject": SUBJECTS,
        "item": sorted(_fields_of_administration()),
        "event": (*EVENT_TYPES, TEST_TYPE),
        "delivery": tuple(MessageStatus),
        "page": (*(page.name for page in PAGES), "login", "nowhere"),
        "language": LANGUAGES,
    }


def _files() -> list[Path]:
    pages = (folder.rglob(kind) for folder in (CONSOLE, PAGES_OF_RESIDENTS) for kind in ("*.js", "*.html"))
    return sorted(path for path in chain(SOURCE.rglob("*.py"), *pages) if path.is_file())


@cache
def asked() -> frozenset[str]:
    """The keys that calls name."""
    found: set[str] = set()
    with redirect_stderr(io.StringIO()):  # Babel warns of keys that are put together: `used` finds those
        for path in _files():
            method, calls = CALLS[path.suffix]
            for _, message, _, _ in extract_from_file(method, path, keywords=dict.fromkeys(calls)):
                said = message[0] if isinstance(message, tuple) else message
                if said and KEY.fullmatch(said):
                    found.add(said)
    for path in CONSOLE.rglob("*.html"):
        found |= set(re.findall(r'data-empty="([a-z_.]+)"', path.read_text(encoding="utf-8")))
    return frozenset(found)


def used(keys: set[str]) -> set[str]:
    """Of these keys, those that somebody uses."""
    named, prefixes = _named()
    return {key for key in keys if key in named or key.startswith(prefixes)}


@cache
def _named() -> tuple[frozenset[str], tuple[str, ...]]:
    """The keys that stand anywhere in the source, and the prefixes that keys are put together from."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in _files())
    named = {said for said in re.findall(r"""["'](?=([^"'\s]+)["'])""", source) if KEY.fullmatch(said)}
    # a key made of a prefix and a word, as t("figures.by." + by), is named by its prefix
    begun = set(re.findall(r"""["'`]([a-z_][a-z0-9_]*(?:\.[a-z0-9_]+)*\.)(?:["']\s*(?:~|\+)|\$\{|\{)""", source))
    return frozenset(named), tuple(sorted(begun | {f"{family}." for family in families()} | set(OPEN)))


def needed() -> set[str]:
    """The keys that must be in every catalogue."""
    return set(asked()) | {f"{family}.{word}" for family, words in families().items() for word in words}


def placeholders(said: str) -> frozenset[str]:
    """The names in braces; those of `{start:%H:%M}` and `{moment.month}` are `start` and `moment`."""
    names = (name for _, name, _, _ in string.Formatter().parse(said) if name is not None)
    return frozenset(re.split(r"[.\[]", name)[0] for name in names)


def po_of(language: str) -> Path:
    """The source of a catalogue."""
    return LOCALES[language] / "LC_MESSAGES" / "hotline.po"


def read(language: str) -> Catalog:
    """A catalogue as its source has it."""
    with po_of(language).open("rb") as file:
        return read_po(file, locale=LOCALES[language].name, domain="hotline", abort_invalid=True)


def texts(catalogue: Catalog) -> dict[str, str]:
    """key -> text."""
    return {str(message.id): str(message.string) for message in catalogue if message.id}


def compiled(catalogue: Catalog) -> bytes:
    """The catalogue as the program reads it."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def written(catalogue: Catalog) -> bytes:
    """The source of a catalogue: sorted by key, one text a line, with what translators need to know."""
    out = io.BytesIO()
    write_po(out, catalogue, width=0, sort_output=True, ignore_obsolete=True, no_location=True)
    return b"\n".join(line for line in out.getvalue().split(b"\n") if not line.startswith(UNWANTED))


def rebuilt(language: str, english: Mapping[str, str]) -> Catalog:
    """The catalogue with just the keys that are used, each with its comment; what has no text yet has an empty one."""
    before = read(language)
    held = texts(before)
    fresh = Catalog(
        locale=LOCALES[language].name,
        domain="hotline",
        project="hotline",
        version="1",
        header_comment="# Texts of Hotline. Change a text here, then run `make locales`.",
        creation_date=before.creation_date,
        revision_date=before.revision_date,
        fuzzy=False,
    )
    for key in sorted(used(set(english) | set(held)) | needed()):
        comments = [CONTEXT[key.partition(".")[0]]]
        if language != ENGLISH:
            comments.append(f"English: {english.get(key, '')}")
        fresh.add(key, held.get(key, ""), auto_comments=comments)
    return fresh


def _empty_or_stale(language: str) -> Iterator[str]:
    catalogue = read(language)
    held = texts(catalogue)
    yield from (f"{language}: {key} has no text" for key, said in held.items() if not said.strip())
    yield from (f"{language}: {key} is marked fuzzy" for key in held if catalogue[key].fuzzy)
    yield from (f"{language}: {key} is obsolete" for key in catalogue.obsolete)
    with po_of(language).with_suffix(".mo").open("rb") as file:
        served = {key: said for key, said in vars(GNUTranslations(file))["_catalog"].items() if key}
    if served != {key: said for key, said in held.items() if said}:
        yield f"{language}: hotline.mo is out of date"


def faults() -> list[str]:
    """What is wrong with the catalogues, one line each."""
    found: list[str] = []
    held = {language: texts(read(language)) for language in LANGUAGES}
    for language, said in held.items():
        found += [f"{language}: {key} is missing" for key in sorted(needed() - said.keys())]
        found += [f"{language}: {key} is used nowhere" for key in sorted(said.keys() - used(set(said)))]
        found += [f"{language}: {key} is in no other language" for key in sorted(said.keys() - held[ENGLISH].keys())]
        found += [f"{language}: {key} is missing" for key in sorted(held[ENGLISH].keys() - said.keys() - needed())]
        found += [
            f"{language}: {key} has other placeholders than in English"
            for key in sorted(said.keys() & held[ENGLISH].keys())
            if placeholders(said[key]) != placeholders(held[ENGLISH][key])
        ]
        found += _empty_or_stale(language)
        if po_of(language).read_bytes() != written(rebuilt(language, held[ENGLISH])):
            found.append(f"{language}: hotline.po is not as `make locales` writes it")
    return found


def update() -> None:
    """Write every catalogue anew: its source and what is compiled from it."""
    english = texts(read(ENGLISH))
    for language in LANGUAGES:
        fresh = rebuilt(language, english)
        before, after = texts(read(language)).keys(), texts(fresh).keys()
        for sign, keys in (("+", after - before), ("-", before - after)):
            print("".join(f"{language}: {sign} {key}\n" for key in sorted(keys)), end="")
        po_of(language).write_bytes(written(fresh))
        po_of(language).with_suffix(".mo").write_bytes(compiled(fresh))


def main() -> int:
    """`check` prints every fault and returns 1 if there is one; `update` rewrites the files and then checks them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("check", "update"))
    if parser.parse_args().command == "update":
        update()
    found = faults()
    print("\n".join((*found, "run: make locales")) if found else "The catalogues are complete.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
