"""The words of the hotline. Everything that names a state, an action, a role or a reason takes it from here."""

from enum import StrEnum


class TicketStatus(StrEnum):
    """Where the resident's matter stands."""

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
    """Where one department's order stands."""

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
FINAL = frozenset({TicketStatus.DECLINED, TicketStatus.MERGED, TicketStatus.WITHDRAWN, TicketStatus.VOID})
# `closed` is neither open nor final: work has ended, and the resident may still reopen it.

LIVE = frozenset(
    {
        AssignmentStatus.ISSUED,
        AssignmentStatus.ACCEPTED,
        AssignmentStatus.RETURN_REQUESTED,
        AssignmentStatus.REPORTED,
    }
)
ENDED = frozenset({AssignmentStatus.DONE, AssignmentStatus.RETURNED, AssignmentStatus.RECALLED})
THEIRS = LIVE | {AssignmentStatus.DONE}  # a returned or recalled order gives no further view of the ticket


class Outcome(StrEnum):
    """How a ticket ended. Reopened, it has not."""

    ANSWERED = "answered"  # at the first call, by the operator
    CONFIRMED = "confirmed"  # the resident said that it is solved
    SILENT = "silent"  # nobody said a word; closed by the clock
    EXPLAINED = "explained"  # could not be solved, and why was told
    DECLINED = "declined"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    VOID = "void"


class Action(StrEnum):
    """What can be done. The tables in `lifecycle` say when, by whom and with what."""

    RECEIVE = "receive"  # the first entry of every timeline; no row of a table, intake alone writes it
    TRIAGE = "triage"
    REQUEST_INFO = "request_info"
    PROVIDE_INFO = "provide_info"
    ANSWER = "answer"
    DECLINE = "decline"
    VOID = "void"
    WITHDRAW = "withdraw"
    MERGE = "merge"
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
    ADD_CALL = "add_call"
    ABSORB = "absorb"
    ATTACH = "attach"
    REVEAL = "reveal"
    ESCALATE = "escalate"
    RESUME = "resume"  # nobody told what was missing: work goes on with what is known
    RECKON = "reckon"  # the clocks counted anew, after a calendar changed or where they were missing
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
    ASSIST = "assist"
    REPORT = "report"
    ACCEPT_REPORT = "accept_report"
    REJECT_REPORT = "reject_report"
    RECALL = "recall"


class Role(StrEnum):
    """Who acts. A person holds one or more of the first six; the rest are standings the house itself gives."""

    OPERATOR = "operator"
    DISPATCHER = "dispatcher"
    HANDLER = "handler"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"
    GATEWAY = "gateway"
    PERFORMER = "performer"  # a contractor's handler, on an order its department performs but does not answer for
    RESIDENT = "resident"
    RULES = "rules"  # the triage rules and the dispatch catalogue, acting inside intake
    CLOCK = "clock"


PEOPLE = frozenset({Role.OPERATOR, Role.DISPATCHER, Role.HANDLER, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN})
GRANTED = PEOPLE | {Role.GATEWAY}  # what a person or a key can be given
WHOLE = frozenset(
    {Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN}
)  # see by area, not by order


class Part(StrEnum):
    """A department's part in a ticket."""

    LEAD = "lead"
    ASSIST = "assist"


class Kind(StrEnum):
    """What the resident wants."""

    ENQUIRY = "enquiry"
    REQUEST = "request"
    COMPLAINT = "complaint"
    REPORT = "report"  # of wrongdoing: the caller is confidential by default
    SUGGESTION = "suggestion"
    PRAISE = "praise"


class Priority(StrEnum):
    """How fast someone must come."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    NORMAL = "normal"


class Channel(StrEnum):
    """How the matter reached us."""

    PHONE = "phone"
    SMS = "sms"
    WEB = "web"
    WECHAT = "wechat"
    WALK_IN = "walk_in"
    GRID = "grid"
    HOTLINE = "hotline"  # another hotline's order, with an outer number and an outer deadline
    IMPORT = "import"


class Level(StrEnum):
    """Colour of a supervision or an escalation."""

    BLUE = "blue"
    YELLOW = "yellow"
    RED = "red"


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
    """Why a matter is not ours; each needs the right channel to be told."""

    EMERGENCY_SERVICE = "emergency_service"
    LEGAL_PROCEDURE = "legal_procedure"
    ALREADY_HANDLED = "already_handled"
    SECRET_OR_PRIVATE = "secret_or_private"  # noqa: S105 - a reason word, not a password
    BEYOND_PUBLIC_DUTY = "beyond_public_duty"
    UNLAWFUL = "unlawful"


class VoidReason(StrEnum):
    """Why an entry is no matter at all."""

    NUISANCE = "nuisance"
    TEST = "test"
    NO_CONTENT = "no_content"
    MISTAKE = "mistake"
    NO_INFO_GIVEN = "no_info_given"


class ReturnReason(StrEnum):
    """Why a department sends an order back."""

    NOT_OUR_DUTY = "not_our_duty"
    NOT_OUR_AREA = "not_our_area"
    TITLE_UNCLEAR = "title_unclear"
    DUPLICATE = "duplicate"
    INFO_MISSING = "info_missing"


class Fault(StrEnum):
    """What is wrong with a report."""

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


class Danger(StrEnum):
    """What a danger word warns of; the catalogue names whom to call."""

    FIRE = "fire"
    GAS = "gas"
    ELECTRIC = "electric"
    LIFT = "lift"
    MEDICAL = "medical"
    VIOLENCE = "violence"
    MISSING = "missing"
    SELF_HARM = "self_harm"
    COLLAPSE = "collapse"
    WATER = "water"
    TRAFFIC = "traffic"
    UNREST = "unrest"


class DepartmentKind(StrEnum):
    """What sort of unit a department is."""

    STREET = "street"
    CENTRE = "centre"
    OFFICE = "office"
    PROPERTY = "property"
    UTILITY = "utility"
    CONTRACTOR = "contractor"
    COMMITTEE = "committee"
    AUTHORITY = "authority"


class AreaLevel(StrEnum):
    """What sort of place an area is, from large to small."""

    CITY = "city"
    STREET = "street"
    COMMUNITY = "community"
    GRID = "grid"
    ESTATE = "estate"
    BUILDING = "building"


class Queue(StrEnum):
    """What an open matter waits in. No open matter is in none."""

    DISPATCH = "dispatch"
    INFORMATION = "information"  # the caller has to tell what is missing
    DEPARTMENT = "department"
    RULINGS = "rulings"
    REVIEW = "review"
    CALL_BACK = "call_back"  # the resident has to be asked
    SHELF = "shelf"


class Hours(StrEnum):
    """When a route holds."""

    ALWAYS = "always"
    DUTY = "duty"  # outside the working hours of its calendar: evenings, nights, days off
    WORKING = "working"


class Unit(StrEnum):
    """What a limit counts."""

    CALENDAR_HOURS = "calendar_hours"
    WORKING_HOURS = "working_hours"
    CALENDAR_DAYS = "calendar_days"
    WORKING_DAYS = "working_days"


class Counting(StrEnum):
    """How a calendar counts days."""

    CIVIL = "civil"  # from the next day on, to the end of the last one (民法典 201, 203)
    ELAPSED = "elapsed"  # 24 hours each, at once


class DayEnd(StrEnum):
    """When a counted day is over."""

    MIDNIGHT = "midnight"
    CLOSE = "close"  # of business


class Metric(StrEnum):
    """What a clock measures. The first six are the ticket's, the others an assignment's."""

    DISPATCH = "dispatch"  # until a department has it
    RESOLVE = "resolve"  # the resident's clock: never reset by shuffling
    INFO = "info"  # until the caller has told what was missing
    REVIEW = "review"  # until a shelved matter is looked at again
    CALL_BACK = "call_back"  # until the resident has been asked
    SILENCE = "silence"  # how long a resolved matter waits for a word
    ACCEPT = "accept"  # until the order is signed for
    CONTACT = "contact"  # until the department has spoken to the caller
    REPORT = "report"  # until the department reports done
    RULING = "ruling"  # until a return is ruled on
    EXTENSION = "extension"  # until an extension is decided
    AUDIT = "audit"  # until a report is reviewed


class Starts(StrEnum):
    """When the resident's clock starts."""

    RECEIVED = "received"
    DISPATCHED = "dispatched"


class Outer(StrEnum):
    """What another hotline's deadline does to ours."""

    GOVERNS = "governs"  # it is the limit, less the margin
    CAPS = "caps"  # ours stays where it is sooner


class Receiver(StrEnum):
    """Who is told by a step of an escalation ladder."""

    HANDLER = "handler"  # the department, and whoever took the order
    HEAD = "head"  # of the department
    DUTY = "duty"  # the officer on duty there now, else above, else at the house
    DESK = "desk"  # operators
    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    COMMITTEE = "committee"  # the supervision committee


class MessageStatus(StrEnum):
    """Where an outgoing message stands."""

    QUEUED = "queued"
    LEASED = "leased"
    SENT = "sent"
    DEAD = "dead"
    EXPIRED = "expired"
    DROPPED = "dropped"  # given up by hand, with a reason


class GatewayKind(StrEnum):
    """What comes through a gateway."""

    SMS = "sms"
    VOICE = "voice"
    ORDERS = "orders"  # another hotline hands its orders over


class InboundKind(StrEnum):
    """What was pushed to us."""

    TEXT = "text"
    PART = "part"  # of a long text, before it is whole
    REPORT = "report"  # what became of a text of ours
    UPDATE = "update"  # on a ticket, by an Open311 client
    REQUEST = "request"  # an Open311 request of a batch service
    BODY = "body"  # authentic, and not to be read


class InboundStatus(StrEnum):
    """Where something pushed to us stands."""

    KEPT = "kept"
    LEASED = "leased"
    DONE = "done"
    ODD = "odd"  # for an operator to look at
    DISMISSED = "dismissed"


class Effect(StrEnum):
    """What became of something pushed to us."""

    OPENED = "opened"
    JOINED = "joined"
    TOLD = "told"  # what was missing
    RATED = "rated"
    REOPENED = "reopened"
    ASKED = "asked"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    NOTED = "noted"
    MERGED = "merged"  # a part, into its whole text
    REPORTED = "reported"
    NONE = "none"


class TextStatus(StrEnum):
    """Where a text of ours stands. `DELIVERY_RANK` says which may follow which."""

    CREATED = "created"
    BUFFERED = "buffered"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    REJECTED = "rejected"
    TECHNICAL_FAILURE = "technical_failure"
    STOPPED = "stopped"  # the number is on the stop list
    CAPPED = "capped"  # too many to this number
    WITHHELD = "withheld"  # a confidential caller's, or nobody to send it to


DELIVERY_RANK = {
    TextStatus.CREATED: 0,
    TextStatus.BUFFERED: 1,
    TextStatus.SENT: 2,
    TextStatus.TECHNICAL_FAILURE: 3,
    TextStatus.UNDELIVERED: 4,
    TextStatus.EXPIRED: 4,
    TextStatus.REJECTED: 4,
    TextStatus.STOPPED: 4,
    TextStatus.CAPPED: 4,
    TextStatus.WITHHELD: 4,
    TextStatus.DELIVERED: 5,  # the handset has it: no later word takes that back
}


class VoiceState(StrEnum):
    """Where a call on the exchange stands."""

    OFFERED = "offered"
    ANSWERED = "answered"
    ENDED = "ended"


class VoiceOutcome(StrEnum):
    """How it ended."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"  # the caller hung up while waiting
    MISSED = "missed"  # nobody took it: busy, no answer, timed out
    REJECTED = "rejected"


class Direction(StrEnum):
    """Who rang whom."""

    IN = "in"
    OUT = "out"


class ReturnCall(StrEnum):
    """Where the promise to ring somebody back stands."""

    OPEN = "open"
    DONE = "done"


class AttributeType(StrEnum):
    """What an attribute of a category holds (Open311 GeoReport v2)."""

    STRING = "string"
    NUMBER = "number"
    DATETIME = "datetime"
    TEXT = "text"
    SINGLE = "singlevaluelist"
    MULTI = "multivaluelist"


class Intake(StrEnum):
    """How an Open311 request of a category is answered."""

    REALTIME = "realtime"
    BATCH = "batch"
    BLACKBOX = "blackbox"


class Period(StrEnum):
    """What a report covers."""

    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"


class ExportKind(StrEnum):
    """What a file holds."""

    TICKETS = "tickets"
    TIMELINE = "timeline"


class ExportForm(StrEnum):
    """How a file is written."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"
    OPEN311 = "open311"  # the bulk form of GeoReport v2 requests, CSV


class ExportStatus(StrEnum):
    """Where a file stands."""

    WAITING = "waiting"
    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"  # its time is over


class ActorKind(StrEnum):
    """Whose hand it was, as the timeline shows it."""

    PERSON = "person"
    KEY = "key"
    RESIDENT = "resident"
    RULES = "rules"
    CLOCK = "clock"


class Field(StrEnum):
    """What an action may carry. `api/schemas/actions` gives each its type; the tables say who needs it."""

    CATEGORY = "category"
    KIND = "kind"
    PRIORITY = "priority"
    TITLE = "title"
    NARRATIVE = "narrative"
    AREA = "area"
    ADDRESS = "address"
    LAT = "lat"
    LON = "lon"
    CALLER_NAME = "caller_name"
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
    LEVEL = "level"
    CONFIDENTIAL = "confidential"
    SATISFACTION = "satisfaction"
    REACHED = "reached"
    SOLVED = "solved"
    PUBLIC_REPLY = "public_reply"
    INTERNAL_RESULT = "internal_result"
    CONTACTED = "contacted"
    COST = "cost"
    FUNDING = "funding"
    DUE_AT = "due_at"
    REVIEW_AT = "review_at"


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
    NO_CYCLE = "no_cycle"
    NOT_PARENT = "not_parent"
    UNREACHABLE_TRIED = "unreachable_tried"
    NOT_CONFIDENTIAL = "not_confidential"
    NEW_DEPARTMENT = "new_department"
    REVIEW_AHEAD = "review_ahead"
    UNCLAIMED = "unclaimed"
    OTHER_DEPARTMENT = "other_department"
