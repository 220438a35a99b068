"""The words that items of the directory use: kinds, priorities, channels, metrics, units of time."""

from enum import StrEnum


class Kind(StrEnum):
    """What the resident wants."""

    ENQUIRY = "enquiry"
    REQUEST = "request"
    COMPLAINT = "complaint"
    REPORT = "report"  # of wrongdoing: the caller is confidential by default
    SUGGESTION = "suggestion"
    PRAISE = "praise"


class Priority(StrEnum):
    """How urgent a ticket is."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    NORMAL = "normal"


URGENCY = tuple(Priority)  # most urgent first


class Channel(StrEnum):
    """How a matter reached the hotline."""

    PHONE = "phone"
    SMS = "sms"
    WEB = "web"
    WECHAT = "wechat"
    WALK_IN = "walk_in"
    GRID = "grid"
    HOTLINE = "hotline"  # another hotline's order, with an outer number and an outer deadline
    IMPORT = "import"


# somebody is on the line or at the desk, and can be asked
LIVE_CHANNELS = frozenset({Channel.PHONE, Channel.WALK_IN})


class Level(StrEnum):
    """Colour of a supervision or an escalation."""

    BLUE = "blue"
    YELLOW = "yellow"
    RED = "red"


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
    CHEMICAL = "chemical"
    WATER = "water"
    TRAFFIC = "traffic"
    UNREST = "unrest"


class Grade(StrEnum):
    """What a danger frame asks for: `act` at once; `cue`: at once where the text shows that somebody is there or calls
    for help, else one question; `ask`: one question."""

    ACT = "act"
    CUE = "cue"
    ASK = "ask"


class Operator(StrEnum):
    """What a word list says of the danger beside its words, if the list is named so."""

    NOW = "now"
    PRESENT = "present"  # ends what was said of the past
    PLEA = "plea"
    NEGATION = "negation"
    ENDS_NEGATION = "ends-negation"  # what a negation in front of it denies, and no more
    PAST = "past"
    HYPOTHESIS = "hypothesis"
    THEN = "then"  # begins what would follow from a hypothesis
    FEAR = "fear"
    HOWTO = "howto"
    GENERIC = "generic"  # asks what one does, not what to do
    RIGHTS = "rights"  # money, papers, claims
    POLICY = "policy"
    MEDIA = "media"  # drills, films, news
    ELSEWHERE = "elsewhere"  # another place, of which one has heard
    HEARSAY = "hearsay"  # how one has heard of another place, or one so far that one can only have heard of it
    OWN = "own"  # the speaker's place, in a question that what was heard leads to
    FRAUD = "fraud"  # whose story is a swindle
    TELLS = "tells"  # begins what somebody else says
    REAL = "real"  # contradicts media, frauds and errors
    ALMOST = "almost"
    ERROR = "error"  # what somebody thought it was
    LIKE = "like"
    ALIKE = "alike"  # the end of a comparison that `like` began
    DONE = "done"
    PROGRESS = "progress"  # asks how it goes on
    EARLIER = "earlier"  # a past time of which it may go on still, where nobody asks how it goes on
    ONGOING = "ongoing"  # tells that it goes on still
    ASKING = "asking"  # asks how, where, when, how much
    ERRAND = "errand"  # behind such a word: what is done at a counter
    AGAIN = "again"
    TURN = "turn"  # begins another matter
    THING = "thing"  # a subject that is neither hurt nor burnt
    DEVICE = "device"  # a subject that may burn and has no body
    PERSON = "person"
    CASE = "case"  # makes a question one about somebody
    FINE = "fine"
    FORWARDED = "forwarded"
    INTENSE = "intense"
    ULTIMATUM = "ultimatum"  # makes one's own death a threat
    MASK = "mask"  # words that merely bear a danger's


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


class Reach(StrEnum):
    """How far calls about one matter may lie apart."""

    UNIT = "unit"  # one unit of a building, as a lift is; where no unit is told, the building
    PLACE = "place"  # one place: a building, a square; what breaks in two of them are two matters
    COMMUNITY = "community"  # one community: what it shares, such as a main or a power line


class AreaLevel(StrEnum):
    """Levels of an area, from large to small."""

    CITY = "city"
    STREET = "street"
    COMMUNITY = "community"
    GRID = "grid"
    ESTATE = "estate"
    BUILDING = "building"


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
    INFO = "info"  # until the caller has given what was missing
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
    """How another hotline's deadline affects the deadline here."""

    GOVERNS = "governs"  # it is the limit, less the margin
    CAPS = "caps"  # ours stays where it is sooner


class Receiver(StrEnum):
    """Who is notified by a step of an escalation policy."""

    HANDLER = "handler"  # the department, and the assignee of the order
    HEAD = "head"  # of the department
    DUTY = "duty"  # the officer on duty there now, else above, else of the whole organisation
    DESK = "desk"  # operators
    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    COMMITTEE = "committee"  # the supervision committee


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
