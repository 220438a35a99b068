"""Who may do what, written down by hand from the domain paper, state by state. It knows nothing of the tables it judges.

A line reads "roles: action>state, action>state"; an action without > keeps the state. Roles are written by their initials:
O operator, D dispatcher, H handler, S supervisor, R resident, G gateway, X rules, C clock, P performer. Auditors and
administrators change nothing.
"""

ROLES = {
    "O": "operator",
    "D": "dispatcher",
    "H": "handler",
    "S": "supervisor",
    "R": "resident",
    "G": "gateway",
    "X": "rules",
    "C": "clock",
    "P": "performer",
}

OPEN_TOO = """
ODHSX: comment
ODHSRG: attach
ORG: add_call
ODX: absorb
OD: amend, split
X: link, unlink, update_incident, erase
ODSR: urge
S: supervise
C: escalate, reckon
ODS: set_confidential, unpublish
DS: publish
ODSH: reveal
"""

# what was published of it may be written anew or taken back
WORDS_OF_ENDED = """
ODS: reveal, unpublish
DS: publish
X: erase
"""

# The lead order of a dispatched, shelved or dispatched-then-waiting ticket is accepted and not yet reported.
TICKET = {
    "received": OPEN_TOO
    + """
OD: triage>triaged, request_info>awaiting_info, void>void, merge>merged
X: triage>triaged, merge>merged
O: answer>closed, decline>declined
OR: withdraw>withdrawn
""",
    # never triaged, nobody at work: what comes in leads back to where it was
    "awaiting_info": OPEN_TOO
    + """
ODR: provide_info>received
O: decline>declined
ODC: void>void
C: resume>received
ODX: merge>merged
OR: withdraw>withdrawn
""",
    "triaged": OPEN_TOO
    + """
ODX: dispatch>dispatched
OD: triage>triaged, request_info>awaiting_info, decline>declined, void>void, merge>merged
X: merge>merged
O: answer>closed
OR: withdraw>withdrawn
S: shelve>shelved
""",
    "dispatched": OPEN_TOO
    + """
HP: report>dispatched
DSC: recall>triaged
OD: request_info>awaiting_info
ODX: merge>merged
OR: withdraw>withdrawn
S: shelve>shelved
""",
    "resolved": OPEN_TOO
    + """
ORC: confirm>closed
OD: call_back>resolved
DS: explain>closed
ORDS: reopen>triaged
OR: withdraw>withdrawn
""",
    "shelved": OPEN_TOO
    + """
S: unshelve>dispatched, explain>closed
OR: withdraw>withdrawn
""",
    "closed": """
ODHSX: comment
X: update_incident, erase
ODHSRG: attach
ODS: set_confidential, reveal, unpublish
DS: publish
ORS: reopen>triaged
""",
    "declined": WORDS_OF_ENDED,
    "merged": WORDS_OF_ENDED
    + """
ODSX: unmerge>triaged
""",
    "withdrawn": WORDS_OF_ENDED,
    "void": "ODS: reveal\nX: erase",
}

# A lead order of the role's own department on a ticket in hand, no extension asked for, no assisting department.
LEAD = {
    "issued": """
HP: accept>accepted
C: auto_accept>accepted
HPDS: assign
H: request_return>return_requested
OD: assist
DSXC: recall>recalled
C: release
""",
    "accepted": """
HP: contact_caller, report>reported, claim
HPDS: assign
H: request_return>return_requested, request_extension
ODH: assist
DSXC: recall>recalled
C: release
""",
    "return_requested": """
DS: approve_return>returned, refuse_return>accepted
DSXC: recall>recalled
C: release
""",
    "reported": """
DS: accept_report>done, reject_report>accepted
DSX: recall>recalled
""",
    "done": "",
    "returned": "",
    "recalled": "",
}

# An assisting order: it reports to the lead and is done; nobody assists the assistant.
ASSIST = {
    "issued": """
HP: accept>accepted
C: auto_accept>accepted
HPDS: assign
H: request_return>return_requested
DSXC: recall>recalled
C: release
""",
    "accepted": """
HP: contact_caller, report>done, claim
HPDS: assign
H: request_return>return_requested, request_extension
DSXC: recall>recalled
C: release
""",
    "return_requested": """
DS: approve_return>returned, refuse_return>accepted
DSXC: recall>recalled
C: release
""",
    "reported": """
DS: accept_report>done, reject_report>accepted
DSX: recall>recalled
""",
    "done": "",
    "returned": "",
    "recalled": "",
}


def cell(text: str, state: str, role: str) -> dict[str, str]:
    """{action: state it leads to} for this role."""
    found: dict[str, str] = {}
    for line in text.strip().splitlines():
        who, _, what = line.partition(":")
        if role in {ROLES[letter] for letter in who.strip()}:
            for part in what.split(","):
                action, _, to = part.strip().partition(">")
                found[action] = to or state
    return found


# The steps that can be taken back, and where each had begun: whoever took it has ten seconds, and nobody else. A
# department takes back its own report; all the others are steps of the desk.
UNDONE = {
    "triage": {"received", "triaged"},
    "dispatch": {"triaged"},
    "merge": {"received", "awaiting_info", "triaged", "dispatched"},
    "add_call": {"received", "awaiting_info", "triaged", "dispatched", "resolved", "shelved"},
    "answer": {"received", "triaged"},
    "report": {"dispatched"},
    "accept_report": {"dispatched"},
    "confirm": {"resolved"},
    "explain": {"resolved", "shelved"},
    "decline": {"received", "awaiting_info", "triaged"},
    "void": {"received", "awaiting_info", "triaged"},
    "withdraw": {"received", "awaiting_info", "triaged", "dispatched", "resolved", "shelved"},
}
