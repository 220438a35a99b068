"""Labels of the vocabulary's words: under which prefix each stands in the catalogues."""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from hotline.domain import vocabulary as v
from hotline.locales import pair

FAMILIES: Mapping[type[StrEnum], str] = {
    v.Action: "action",
    v.ActorKind: "actor",
    v.AreaLevel: "area_level",
    v.AssignmentStatus: "order",
    v.AttributeType: "attribute_type",
    v.Channel: "channel",
    v.Counting: "counting",
    v.Danger: "danger",
    v.DayEnd: "day_end",
    v.DeclineReason: "decline_reason",
    v.DepartmentKind: "department_kind",
    v.ExportStatus: "export_status",
    v.Fault: "fault",
    v.Field: "field",
    v.Funding: "funding",
    v.Hours: "hours",
    v.Intake: "intake",
    v.Kind: "kind",
    v.Level: "level",
    v.Metric: "metric",
    v.Outer: "outer",
    v.Part: "part",
    v.Period: "period",
    v.Priority: "priority",
    v.Reached: "reached",
    v.ReturnReason: "return_reason",
    v.Role: "role",
    v.Satisfaction: "satisfaction",
    v.Starts: "starts",
    v.TextStatus: "text",
    v.TicketStatus: "status",
    v.VoidReason: "void_reason",
}


def key_of(word: StrEnum) -> str:
    """The key of a word's label: `status.closed` of TicketStatus.CLOSED."""
    return f"{FAMILIES[type(word)]}.{word}"


@lru_cache(maxsize=None, typed=True)  # typed: words of different vocabularies are equal as texts
def label_of(word: StrEnum) -> tuple[str, str]:
    """A word in simplified Chinese and in English, as replies tell it."""
    return pair(key_of(word))


def public_status(status: v.TicketStatus) -> tuple[str, str]:
    """A ticket's state as its resident is told it."""
    return pair(f"public_status.{status}")


def public_action(action: v.Action) -> tuple[str, str]:
    """A step as a resident is told it. It must be one of `domain.privacy.PUBLIC_ACTIONS`."""
    return pair(f"public_action.{action}")
