"""What a place has to do with the matter: it is there, or the speaker lives there, or it only shows the way."""

from collections.abc import Sequence
from enum import IntEnum

from hotline.triage.model.places import cues
from hotline.triage.model.places.mentions import ClauseBounds, Mention

_NEAR = 14  # characters before or behind a mention that say what it is there for


class PlaceRole(IntEnum):
    """Higher is nearer to the matter."""

    EXCLUDED = 0  # denied, or taken back
    PAST = 1  # of another time
    PASSED = 2  # where somebody comes from or goes to
    UNAFFECTED = 3  # all is well there
    REPORTER = 4  # where somebody comes from who told it
    LANDMARK = 5  # shows where the matter is
    SPEAKER = 6  # the home of who speaks
    FAMILY = 7  # the home of whom the speaker calls for
    MATTER = 8
    GIVEN = 9  # stands in the address


def find_roles(text: str, mentions: Sequence[Mention], clauses: ClauseBounds, begins: int) -> list[PlaceRole]:
    """The role of each mention. `begins`: where the narrative begins behind an address."""
    roles = [
        PlaceRole.GIVEN if mention.start < begins else _role(text, mentions, n, clauses)
        for n, mention in enumerate(mentions)
    ]
    for n in range(1, len(mentions)):
        _relate(text, mentions, n, clauses, roles)
    for n in range(len(mentions) - 1, 0, -1):  # 1栋和2栋没问题: said of both
        if roles[n] is PlaceRole.UNAFFECTED and _are_joined(text, mentions[n - 1], mentions[n]):
            roles[n - 1] = min(roles[n - 1], PlaceRole.UNAFFECTED)
    for n in range(1, len(mentions)):  # 除了1栋和2栋
        if roles[n - 1] is PlaceRole.EXCLUDED and _are_joined(text, mentions[n - 1], mentions[n]):
            roles[n] = PlaceRole.EXCLUDED
    return roles


def _are_joined(text: str, first: Mention, second: Mention) -> bool:
    return cues.AND.fullmatch(text, first.end, max(first.end, second.start)) is not None


def _role(text: str, mentions: Sequence[Mention], n: int, clauses: ClauseBounds) -> PlaceRole:
    mention = mentions[n]
    begin, end = clauses.of(mention.start, mention.end)
    previous = mentions[n - 1].end if n else 0
    before = text[max(begin, previous, mention.start - _NEAR) : mention.start]
    following = mentions[n + 1] if n + 1 < len(mentions) else None
    behind = text[mention.end : min(end, following.start if following else end)]
    if (role := _denied(text, mention, before, (begin, end))) is not None:
        return role
    if behind and cues.UNAFFECTED.match(behind):
        return PlaceRole.UNAFFECTED
    if following is not None and before and cues.REPORTED.search(before):
        return PlaceRole.PAST
    if (before and cues.PAST.search(before)) or (following is not None and cues.PAST_BEHIND.match(behind)):
        return PlaceRole.PAST
    in_clause = following is not None and following.start < end
    # the subject may stand in the clause before: 我是温泉社区的,住3栋
    wider = text[max(previous, mention.start - _NEAR) : mention.start]
    if wider and cues.FAMILY.search(wider):
        return PlaceRole.FAMILY if not cues.FAULT.search(behind) else PlaceRole.MATTER
    if following is not None and (cues.SAYS.match(behind) or cues.SOMEBODY_FROM.search(before)):
        return PlaceRole.REPORTER
    if in_clause and before.endswith(cues.LIVES) and cues.LIVES_THERE.match(behind):
        return PlaceRole.REPORTER
    if following is not None and cues.WORKS_THERE.match(behind):
        return PlaceRole.PASSED
    if (
        wider
        and cues.SPEAKER.search(wider)
        and (not cues.FAULT.search(behind) or (in_clause and cues.SEES.search(behind)))
    ):
        return PlaceRole.SPEAKER
    if following is not None and _passed(before, behind, text[mention.end : following.start]):
        return PlaceRole.PASSED
    if (n or following is not None) and cues.BELONGS_TO.search(before) and behind.startswith(cues.POSSESSIVE):
        return PlaceRole.REPORTER
    if following is not None and before and cues.SEEKS.search(before) and cues.SOUGHT.match(behind):
        return PlaceRole.REPORTER
    if in_clause and before and cues.OTHERS_HOME.search(before):
        return PlaceRole.REPORTER
    if in_clause and cues.OWNS.match(behind) and cues.MOVES_TO.search(behind):
        return PlaceRole.REPORTER
    return PlaceRole.MATTER


def _denied(text: str, mention: Mention, before: str, clause: tuple[int, int]) -> PlaceRole | None:
    if before and cues.NOT.search(before) and not cues.ASKED.search(text[mention.end : clause[1]]):
        return PlaceRole.EXCLUDED
    if before and cues.NONE.search(before) and not cues.OF_IT.match(text, mention.end):
        return PlaceRole.EXCLUDED
    if cues.DENIED.match(text, mention.end):
        return PlaceRole.EXCLUDED
    return PlaceRole.EXCLUDED if before and cues.EXCEPT.search(before) else None


def _passed(before: str, behind: str, between: str) -> bool:
    if before:
        if cues.GOING.search(before) or (cues.GOES.search(before) and cues.WAY.match(behind)):
            return True
        if cues.WORKS_AT.search(before) or cues.AWAY.search(before):
            return True
        if cues.FROM.search(before) and cues.COMES.match(behind):
            return True
    return cues.WALKS_ON.match(between) is not None


def _relate(text: str, mentions: Sequence[Mention], n: int, clauses: ClauseBounds, roles: list[PlaceRole]) -> None:
    """What two mentions behind each other say of each other."""
    first, second = mentions[n - 1], mentions[n]
    if roles[n - 1] is PlaceRole.GIVEN or second.start < first.end:
        return
    between = text[first.end : second.start]
    if len(between) <= 40 and cues.TAKEN_BACK.search(between):
        _take_back(mentions, n, roles)
        return
    begin, _ = clauses.of(second.start, second.end)
    if first.is_part or second.is_part or first.start < begin or len(between) > 20:
        return
    if _is_second_landmark(text, between, second.end):
        roles[n] = min(roles[n], PlaceRole.LANDMARK)
    elif (
        cues.ADJOINED.fullmatch(between) and cues.ADJOINS.search(text[max(begin, first.start - 4) : first.start])
    ) or (cues.BESIDE.fullmatch(between) and (between or _is_name(first) != _is_name(second))):
        # what is said of the home by the gate is said of the home: 我住在北门这边的28栋
        roles[n] = min(roles[n], roles[n - 1])
        roles[n - 1] = min(roles[n - 1], PlaceRole.LANDMARK)


def _is_second_landmark(text: str, between: str, end: int) -> bool:
    """6栋跟菜市挨到那边, the pond by building 4: the second shows where the first is."""
    lies_at = cues.LIES_AT.search(between) and (not between.endswith(cues.WITH) or cues.ADJOINS.match(text, end))
    return bool(lies_at or cues.NEAR_TO.search(between))


def _is_name(mention: Mention) -> bool:
    return bool(mention.codes)


def _take_back(mentions: Sequence[Mention], n: int, roles: list[PlaceRole]) -> None:
    """The one before was wrong: what the new one says takes its place."""
    first, second = mentions[n - 1], mentions[n]
    if second.is_part:  # 2单元,说错了,1单元: the rest of the address stands
        for name in second.parts:
            first.parts.pop(name, None)
        return
    roles[n - 1] = PlaceRole.EXCLUDED
    if first.is_part and n > 1:
        roles[n - 2] = PlaceRole.EXCLUDED
