"""Who may do what with an incident, written down by hand, state by state. It knows nothing of the table it judges.

O operator, D dispatcher, S supervisor, X rules, C clock. Handlers, auditors, administrators, gateways and residents
change nothing. An action without > keeps the state."""

ROLES = {"O": "operator", "D": "dispatcher", "S": "supervisor", "X": "rules", "C": "clock"}
_ACTIVE = """
DS: split
DSX: merge>merged
ODS: join, leave, comment
"""
INCIDENT = {
    "proposed": _ACTIVE
    + """
DSX: confirm>open
DSC: dismiss>dismissed
""",
    "open": _ACTIVE
    + """
DS: contain>contained
DSC: end>over
""",
    "contained": _ACTIVE
    + """
DS: reopen>open
DSC: end>over
""",
    "over": """
DSX: reopen>open
ODS: comment
""",
    "dismissed": "ODS: comment",
    "merged": "ODS: comment",
}
