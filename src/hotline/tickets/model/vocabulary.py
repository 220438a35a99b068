"""The vocabularies of tickets: states, actions, roles, reasons. All other code takes its words from here."""

from collections.abc import Iterable
from enum import StrEnum

CODE_LENGTH = 6
MOST_SPLIT_OFF = 4  # tickets, of one


class TicketStatus(StrEnum):
    """The state of a ticket."""

    RECEIVED = "received"
    AWAITING_INFO = "awaiting_info"
    TRIAGED = "triaged"
    DISPATCHED = "dispatched"
    RESOLVED = "resolved"
    SHELVED = "shelved"
    CLOSED = "closed"
    DECLINED = "declined"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    VOID = "void"


class AssignmentStatus(StrEnum):
    """The state of an assignment."""

    ISSUED = "issued"
    ACCEPTED = "accepted"
    RETURN_REQUESTED = "return_requested"
    REPORTED = "reported"
    DONE = "done"
    RETURNED = "returned"
    RECALLED = "recalled"


OPEN = frozenset(
    {
        TicketStatus.RECEIVED,
        TicketStatus.AWAITING_INFO,
        TicketStatus.TRIAGED,
        TicketStatus.DISPATCHED,
        TicketStatus.RESOLVED,
        TicketStatus.SHELVED,
    }
)
FINAL = frozenset({TicketStatus.DECLINED, TicketStatus.WITHDRAWN, TicketStatus.VOID})
# `closed` and `merged` are neither open nor final: work on them has ended, yet the resident may still reopen the one,
# and the other may be taken out of its parent.
WITHOUT_NOTES = FINAL | {TicketStatus.MERGED}  # takes no comment and no file

LIVE = frozenset(
    {
        AssignmentStatus.ISSUED,
        AssignmentStatus.ACCEPTED,
        AssignmentStatus.RETURN_REQUESTED,
        AssignmentStatus.REPORTED,
    }
)
# the department has to act on these; what is reported waits for review
UNREPORTED = LIVE - {AssignmentStatus.REPORTED}
ENDED = frozenset({AssignmentStatus.DONE, AssignmentStatus.RETURNED, AssignmentStatus.RECALLED})
HELD = LIVE | {AssignmentStatus.DONE}  # a returned or recalled order gives no further view of the ticket


class Outcome(StrEnum):
    """How a ticket ended. Reopened, it has not."""

    ANSWERED = "answered"  # at the first call, by the operator
    CONFIRMED = "confirmed"  # the resident said that it is solved
    SILENT = "silent"  # no answer; closed by the clock
    EXPLAINED = "explained"  # could not be solved, and why was told
    DECLINED = "declined"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    VOID = "void"


class Action(StrEnum):
    """Actions. The tables in `tickets/lifecycle` say when, by whom and with which fields."""

    RECEIVE = "receive"  # the first entry of every timeline; no row of a table, intake alone writes it
    TRIAGE = "triage"
    REQUEST_INFO = "request_info"
    PROVIDE_INFO = "provide_info"
    ANSWER = "answer"
    DECLINE = "decline"
    VOID = "void"
    WITHDRAW = "withdraw"
    MERGE = "merge"
    SPLIT = "split"  # it told of several matters: the others become tickets of their own
    UNMERGE = "unmerge"  # taken out of its parent again, with a life of its own
    LINK = "link"  # it belongs to an incident
    UNLINK = "unlink"
    UPDATE_INCIDENT = "update_incident"  # the incident that it carries is contained, worse again, or over
    DISPATCH = "dispatch"
    CONFIRM = "confirm"
    CALL_BACK = "call_back"
    EXPLAIN = "explain"
    REOPEN = "reopen"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    COMMENT = "comment"
    URGE = "urge"
    SUPERVISE = "supervise"
    SET_CONFIDENTIAL = "set_confidential"
    AMEND = "amend"
    PUBLISH = "publish"  # a text written for the public
    UNPUBLISH = "unpublish"  # nothing of it is public any more
    ADD_CALL = "add_call"
    ABSORB = "absorb"
    ATTACH = "attach"
    REVEAL = "reveal"
    ESCALATE = "escalate"
    RESUME = "resume"  # nobody told what was missing: work goes on with what is known
    RECKON = "reckon"  # the clocks counted anew, after a calendar changed or where they were missing
    ERASE = "erase"  # personal data is taken out, on request or when its time is over
    UNDO = "undo"  # the last step is taken back within seconds, by whoever took it
    # of an assignment
    ACCEPT = "accept"
    AUTO_ACCEPT = "auto_accept"
    REQUEST_RETURN = "request_return"
    APPROVE_RETURN = "approve_return"
    REFUSE_RETURN = "refuse_return"
    REQUEST_EXTENSION = "request_extension"
    APPROVE_EXTENSION = "approve_extension"
    REFUSE_EXTENSION = "refuse_extension"
    CONTACT_CALLER = "contact_caller"
    CLAIM = "claim"
    ASSIGN = "assign"
    RELEASE = "release"  # whoever had it is gone: it is back in the department's queue
    ASSIST = "assist"
    REPORT = "report"
    ACCEPT_REPORT = "accept_report"
    REJECT_REPORT = "reject_report"
    RECALL = "recall"


class Part(StrEnum):
    """A department's part in a ticket."""

    LEAD = "lead"
    ASSIST = "assist"


class Colour(StrEnum):
    """The colour of a clock, from the least to the most urgent."""

    GREY = "grey"  # it stands still, or has stopped
    GREEN = "green"
    BLUE = "blue"
    YELLOW = "yellow"
    RED = "red"  # past its end


class Satisfaction(StrEnum):
    """What the resident said at call-back."""

    VERY_SATISFIED = "very_satisfied"
    SATISFIED = "satisfied"
    FAIR = "fair"
    DISSATISFIED = "dissatisfied"
    VERY_DISSATISFIED = "very_dissatisfied"
    NO_ANSWER = "no_answer"  # out of the satisfaction base


class Reached(StrEnum):
    """How a call-back attempt ended."""

    CONNECTED = "connected"
    NO_REPLY = "no_reply"
    BUSY = "busy"
    WRONG_NUMBER = "wrong_number"


class DeclineReason(StrEnum):
    """Why the hotline declines a matter; the right channel must be given to the caller."""

    EMERGENCY_SERVICE = "emergency_service"
    LEGAL_PROCEDURE = "legal_procedure"
    ALREADY_HANDLED = "already_handled"
    SECRET_OR_PRIVATE = "secret_or_private"  # noqa: S105 - a reason word, not a password
    BEYOND_PUBLIC_DUTY = "beyond_public_duty"
    UNLAWFUL = "unlawful"


class VoidReason(StrEnum):
    """Why an entry is voided."""

    NUISANCE = "nuisance"
    TEST = "test"
    NO_CONTENT = "no_content"
    MISTAKE = "mistake"
    NO_INFO_GIVEN = "no_info_given"


class ReturnReason(StrEnum):
    """Why a department returns an assignment."""

    NOT_OUR_DUTY = "not_our_duty"
    NOT_OUR_AREA = "not_our_area"
    TITLE_UNCLEAR = "title_unclear"
    DUPLICATE = "duplicate"
    INFO_MISSING = "info_missing"


class DepartureReason(StrEnum):
    """Why an order was taken from whoever had it, without their doing."""

    ACCOUNT_CLOSED = "account_closed"
    NO_LONGER_HANDLER = "no_longer_handler"
    OTHER_DEPARTMENT = "other_department"
    CONTRACTOR_RETIRED = "contractor_retired"
    DEPARTMENT_RETIRED = "department_retired"


class Fault(StrEnum):
    """Why a submitted result is rejected."""

    OFF_THE_POINT = "off_the_point"
    POINT_MISSING = "point_missing"
    EVASIVE = "evasive"
    WRONG_KIND = "wrong_kind"
    NO_EVIDENCE = "no_evidence"
    CALLER_NOT_CONTACTED = "caller_not_contacted"


class Funding(StrEnum):
    """Who pays for the work."""

    SERVICE_FUND = "service_fund"
    REPAIR_FUND = "repair_fund"
    PROPERTY_FEE = "property_fee"
    STREET_BUDGET = "street_budget"
    WARRANTY = "warranty"
    RESIDENT = "resident"
    NONE = "none"


class Queue(StrEnum):
    """The queue an open ticket waits in. Every open ticket is in one."""

    DISPATCH = "dispatch"
    INFORMATION = "information"  # the caller has to tell what is missing
    DEPARTMENT = "department"
    RULINGS = "rulings"
    REVIEW = "review"
    CALL_BACK = "call_back"  # the resident has to be asked
    SHELF = "shelf"


class Field(StrEnum):
    """What an action may carry. `tickets/schemas/actions` gives each its type; the tables say who needs it."""

    CATEGORY = "category"
    KIND = "kind"
    PRIORITY = "priority"
    TITLE = "title"
    NARRATIVE = "narrative"
    AREA = "area"
    ADDRESS = "address"
    BUILDING = "building"
    UNIT = "unit"
    FLOOR = "floor"
    ROOM = "room"
    LAT = "lat"
    LON = "lon"
    CALLER_NAME = "caller_name"
    PHONE = "phone"
    CONTACT = "contact"
    FLAGS = "flags"
    TEXT = "text"
    REASON = "reason"
    REASON_CODE = "reason_code"
    CHANNEL_TOLD = "channel_told"
    ANSWER = "answer"
    DEPARTMENT = "department"
    ASSISTS = "assists"
    PERFORMER = "performer"
    ASSIGNEE = "assignee"
    BASIS = "basis"
    FAULT = "fault"
    TARGET = "target"
    INCIDENT = "incident"
    MATTERS = "matters"  # what each of the new tickets tells of
    LEVEL = "level"
    CONFIDENTIAL = "confidential"
    SATISFACTION = "satisfaction"
    REACHED = "reached"
    SOLVED = "solved"
    PUBLIC_REPLY = "public_reply"  # to the caller: never published
    PUBLIC_TEXT = "public_text"
    PHOTOS = "photos"  # which of the ticket's photos the resident may see with the answer
    INTERNAL_RESULT = "internal_result"
    CONTACTED = "contacted"
    COST = "cost"
    FUNDING = "funding"
    DUE_AT = "due_at"
    REVIEW_AT = "review_at"


class AttachmentPurpose(StrEnum):
    """What a file shows: the place before the work, the place after it, or something else of the matter."""

    BEFORE = "before"
    AFTER = "after"
    EVIDENCE = "evidence"


class Guard(StrEnum):
    """A condition beyond state, role and fields. `lifecycle` holds the test and the sentence of each."""

    HAS_LEAD = "has_lead"
    NO_LEAD = "no_lead"
    TRIAGED_BEFORE = "triaged_before"
    NOT_TRIAGED = "not_triaged"
    IS_LEAD = "is_lead"
    IS_ASSIST = "is_assist"
    ASSISTS_DONE = "assists_done"
    IN_HAND = "in_hand"
    NOT_RULED = "not_ruled"
    RETURNS_LEFT = "returns_left"
    BEFORE_DUE = "before_due"
    LATER_DUE = "later_due"
    LATER_LIMIT = "later_limit"
    EXTENSION_LEFT = "extension_left"
    NO_EXTENSION_ASKED = "no_extension_asked"
    EXTENSION_ASKED = "extension_asked"
    IN_30_DAYS = "in_30_days"
    REOPENS_LEFT = "reopens_left"
    TARGET_OPEN = "target_open"
    TARGET_HAS_ORDER = "target_has_order"
    NO_CYCLE = "no_cycle"
    NOT_PARENT = "not_parent"
    NOT_SPLIT = "not_split"
    UNREACHABLE_TRIED = "unreachable_tried"
    NOT_CONFIDENTIAL = "not_confidential"
    NEW_DEPARTMENT = "new_department"
    REVIEW_AHEAD = "review_ahead"
    UNCLAIMED = "unclaimed"
    OTHER_DEPARTMENT = "other_department"
    MAY_PUBLISH = "may_publish"
    IS_PUBLIC = "is_public"
    NAMES_NOBODY = "names_nobody"
    UNDOABLE = "undoable"
    OWN_STEP = "own_step"
    IN_TEN_SECONDS = "in_ten_seconds"
    WITH_TICKET = "with_ticket"


ESCALATION_LEVEL = "rung"  # the level of an escalation, under the name that stored timeline entries have
ATTACHED_FILE = "file"  # id, SHA-256 and name of a file, so that the chain of the timeline proves it
INCIDENT_STATE = "incident_state"  # what became of the incident that a ticket carries
OFFERED = "offered"  # beside a link: the ticket tells of more, and is not merged before a person says so
CALLER_KNOWS = "caller_knows"  # the caller was told before what this step would tell them
ASSIGNEE_NAME = "assignee_name"  # beside an assignment of a person: what they are called
DEPARTED = "departed"  # beside a release or a recall: which columns of the order name somebody who is gone
UNDONE = "undone"  # beside an undo: the action that is taken back
OPENED = "opened"  # beside an undo: the ticket that the call became, which had joined another
SPLIT_INTO = "split_into"  # the numbers of the tickets that a split opens; and the kind of the flag that names one
ERASED = "erased"  # beside an erasure: the columns that change and what they hold then
READ_ANEW = "read_anew"  # beside whatever changes the words (triage, calls, answers): the columns that follow from them
DANGER_FLAG = "danger:"  # begins the flag that names a danger
# a step of a handler on an order shows that somebody of its department has it; `auto_accept` by the clock shows nothing
SIGNS = frozenset(
    {
        Action.ACCEPT,
        Action.CLAIM,
        Action.CONTACT_CALLER,
        Action.REPORT,
        Action.REQUEST_EXTENSION,
        Action.REQUEST_RETURN,
    }
)
NAMES = "names"  # the kind of the flag that tells which ticket a machine's sender named
SPLIT_FROM = "split_from"  # of the ticket that another is split off


def is_split(flags: Iterable[str]) -> bool:
    """Whether these are the flags of a ticket that others were split off."""
    return any(flag.startswith(f"{SPLIT_INTO}:") for flag in flags)


def split_into_flag(number: str) -> str:
    """The flag of a ticket that another was split off."""
    return f"{SPLIT_INTO}:{number}"


def split_numbers(flags: Iterable[str]) -> list[str]:
    """The numbers of the tickets that these flags of a split name."""
    kinds = SPLIT_INTO, SPLIT_FROM
    return [number for kind, _, number in (flag.partition(":") for flag in flags) if kind in kinds]


def split_from_flag(number: str) -> str:
    """The flag of a ticket that was split off another."""
    return f"{SPLIT_FROM}:{number}"


def offered_flag(incident: str) -> str:
    """The flag of a ticket that may belong to an incident and tells of more: a person decides."""
    return f"offered:{incident}"


def names_flag(number: str) -> str:
    """The flag of a ticket whose sender says that it belongs to another: a person decides."""
    return f"{NAMES}:{number}"


def link_flags(flags: Iterable[str], incident: str, *, offered: bool) -> tuple[str, ...]:
    """The flags of a ticket that is linked to an incident: what a person has decided is offered no more."""
    kept = tuple(flag for flag in flags if flag != offered_flag(incident))
    return (*kept, offered_flag(incident)) if offered else kept


def left_flag(incident: str) -> str:
    """The flag of a ticket that was taken out of an incident."""
    return f"left:{incident}"
