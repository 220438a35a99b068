"""The forms of an address: what a building, a unit, a floor and a room look like in Mandarin, Sichuan speech, Cantonese
and English. Works on folded text that still has its numerals as they were written."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hotline.text.normalisation import fold_characters, normalise_text
from hotline.triage.model.places import forms
from hotline.triage.model.places.numerals import read_approximate, read_digits, read_number
from hotline.triage.model.places.parts import LONGEST_PART

MOST_ELEMENTS = 60  # of one text; an address has four
SHORTEST_BARE_DOOR = 3  # digits of a number that names a room only because of where it stands


@dataclass(slots=True)
class AddressElement:
    """One part of an address: `kind` is building, unit, floor, room or grid; `values` are several for a list or a
    range. `certain` false: it is a building only if the directory has it."""

    kind: str
    start: int
    end: int
    values: tuple[str, ...]
    certain: bool = True
    inner: dict[str, str] | None = None  # the unit and room of a dashed form


_Reader = Callable[[re.Match[str], str], "AddressElement | None"]


def find_elements(text: str) -> Iterator[AddressElement]:
    """The parts of addresses in a folded text, in their order; at most MOST_ELEMENTS."""
    position, found = 0, 0
    for anchor in _find_anchors(text):
        if anchor.start() < position or (match := _match_form(text, anchor)) is None:
            continue
        element = _READERS[str(match.lastgroup)](match, text)
        position = match.end()
        if element is None:
            continue
        yield element
        if element.kind in ("building", "unit", "floor") and (room := _room_behind(text, element)) is not None:
            position = room.end
            yield room
        found += 1
        if found == MOST_ELEMENTS:
            return


def _find_anchors(text: str) -> Iterator[re.Match[str]]:
    """Where a part of an address may begin."""
    for run in forms.ANCHOR_RUN.finditer(text):
        word = run[0]
        if len(word) == 1:
            if text[run.end() : run.end() + 1] not in forms.BEHIND_ONE:
                continue
        elif word.isascii() and word.isalpha() and word not in forms.ENGLISH_WORDS:
            continue
        yield from forms.ANCHOR.finditer(text, *run.span())


def _match_form(text: str, anchor: re.Match[str]) -> re.Match[str] | None:
    at, end = anchor.span()
    match anchor.lastgroup:
        case "number":
            behind = text[end : end + 1]
            form = forms.NUMBER_FORMS.get(behind)
            found = form.match(text, at) if form else None
            return found or (forms.ENGLISH_FORM.match(text, at) if behind and behind in " srtn" else None)
        case "latin":
            if end - at == 1:
                return forms.LETTER_FORM.match(text, at)
            return forms.ENGLISH_FORM.match(text, at) if anchor[0] in forms.ENGLISH_WORDS else None
    return forms.WORD_FORM.match(text, at)


def _room_behind(text: str, element: AddressElement) -> AddressElement | None:
    """The number of a room that stands directly behind another part: 12栋301, 2单元1203, 3楼5号, 12楼b室."""
    if text[element.end : element.end + 1] not in forms.ROOM_BEGINS:
        return None
    if bare := forms.BARE_ROOM.match(text, element.end):
        doors = tuple(filter(None, (read_door(word.rstrip("号室房")) for word in forms.DOOR_JOIN.split(bare["room"]))))
        if doors and len(doors[0]) >= SHORTEST_BARE_DOOR and bare[0].strip() not in forms.EMERGENCY_NUMBERS:
            unit = read_number(bare["unit"]) if bare["unit"] else None
            start = bare.start("unit" if unit else "room")
            return AddressElement("room", start, bare.end(), doors, inner={"unit": unit} if unit else None)
    if element.kind == "building":
        return None
    match = forms.NUMBERED_ROOM.match(text, element.end) or forms.LETTERED_ROOM.match(text, element.end)
    door = read_door(match["room"]) if match else None
    return AddressElement("room", match.start("room"), match.end(), (door,)) if match and door else None


def read_door(word: str) -> str | None:
    """The number on a door: digits with a letter, or a letter alone, in upper case."""
    if word.isascii() and not word.isdigit() and any(c.isdigit() for c in word):
        return word.upper()
    return word.upper() if len(word) == 1 and word.isascii() and word.isalpha() else read_digits(word)


def read_list(words: str) -> tuple[str, ...]:
    """The numbers of a list or a range: 3、4 and 3到5, each once."""
    if words.isascii() and words.isdigit():
        return (number,) if (number := words.lstrip("0")) else ()
    found: list[str] = []
    ranged = False
    for piece in forms.LIST_JOIN.split(words):
        if piece is None or not (word := piece.strip()):
            continue
        if word in forms.RANGE_WORDS:
            ranged = bool(found)
            continue
        numbers = read_approximate(word)
        if ranged and numbers and (begin := int(found[-1])) < int(numbers[0]) <= begin + forms.LONGEST_RANGE:
            found += [str(n) for n in range(begin + 1, int(numbers[0]) + 1)]
        else:
            found += numbers
        ranged = False
    return tuple(dict.fromkeys(found))


def _building(match: re.Match[str], text: str) -> AddressElement | None:
    words, start = match["building"], match.start("building")
    before = text[max(0, start - 4) : start]
    ordinal = before.endswith("第")
    if forms.COUNTING.search(before.removesuffix("第")) and (len(words) == 1 or ordinal):
        return None
    if (
        words == "两"
        or (words == "一" and before.endswith("同"))
        or (words in ("一", "有一") and forms.COUNTED.match(text, match.end() - 1))
        or (len(words) == 1 and forms.COUNTED_ALL.match(text, match.end() - 1))
        or (forms.SOME.search(before) and forms.COUNTED.match(text, match.end() - 1))
    ):
        return None
    if forms.DATED.search(before) and match[0].endswith(("号楼", "楼")):
        return None
    values = read_list(words)
    return AddressElement("building", start - ordinal, match.end(), values) if values else None


def _dashed(match: re.Match[str], text: str) -> AddressElement | None:
    building, unit, room = (
        read_number(match["dashed"]),
        read_number(match["dashed_unit"]),
        read_door(match["dashed_room"]),
    )
    if building is None or unit is None or room is None or match["dashed"].startswith("0"):
        return None
    if forms.OTHER_NUMBER.search(text[max(0, match.start() - 5) : match.start()]):
        return None
    if forms.YEAR_DOOR.fullmatch(room) and len(match["dashed_unit"]) <= 2 and match[0].endswith(room):
        return None
    return AddressElement("building", match.start(), match.end(), (building,), False, {"unit": unit, "room": room})


def _pair(match: re.Match[str], _: str) -> AddressElement | None:
    building, room = read_number(match["pair"]), read_door(match["pair_room"])
    if building is None or room is None or match["pair"].startswith("0") or forms.YEAR_DOOR.fullmatch(room):
        return None
    return AddressElement("building", match.start(), match.end(), (building,), False, {"room": room})


def _numbers(kind: str, group: str, certain: bool = True) -> _Reader:
    def read(match: re.Match[str], _: str) -> AddressElement | None:
        values = read_list(match[group])
        return AddressElement(kind, match.start(), match.end(), values, certain) if values else None

    return read


def _letter_or_number(kind: str, group: str) -> _Reader:
    def read(match: re.Match[str], _: str) -> AddressElement | None:
        word = match[group]
        letter = re.fullmatch(r"[a-z]\d{0,2}|[甲乙丙丁]", word) is not None
        values = (word.upper(),) if letter else read_list(word)
        certain = kind != "building" or not letter
        return AddressElement(kind, match.start(), match.end(), values, certain) if values else None

    return read


def _door(group: str) -> _Reader:
    def read(match: re.Match[str], _: str) -> AddressElement | None:
        door = read_door(match[group])
        start = match.start(group if group == "corrected" else 0)
        return AddressElement("room", start, match.end(), (door,)) if door else None

    return read


def _floor(match: re.Match[str], text: str) -> AddressElement | None:
    number, before = read_number(match["floor"]), text[max(0, match.start() - 3) : match.start()]
    if number is None:
        return None
    below = forms.BELOW.search(before)
    sign, start = ("-", match.start() - len(below[0])) if below else ("", match.start())
    return AddressElement("floor", start, match.end(), (f"{sign}{number}",))


def _basement(match: re.Match[str], _: str) -> AddressElement | None:
    return AddressElement("floor", match.start(), match.end(), (f"-{match['basement'][1:]}",))


def _said(kind: str, value: str) -> _Reader:
    return lambda match, _: AddressElement(kind, match.start(), match.end(), (value,))


# the last group of a form that matched -> how it is read
_READERS: dict[str, _Reader] = {
    "dashed_room": _dashed,
    "pair_room": _pair,
    "building": _building,
    "letter_unit": _letter_or_number("unit", "letter_unit"),
    "letter_stairs": _letter_or_number("unit", "letter_stairs"),
    "letter_room": _door("letter_room"),
    "lettered": _letter_or_number("building", "lettered"),
    "labelled": _numbers("building", "labelled"),
    "unit": _letter_or_number("unit", "unit"),
    "labelled_unit": _letter_or_number("unit", "labelled_unit"),
    "labelled_room": _door("labelled_room"),
    "floor": _floor,
    "basement": _basement,
    "top": _said("floor", "顶"),
    "bottom": _said("floor", "1"),
    "corrected": _door("corrected"),
    "room": _door("room"),
    "grid": _numbers("grid", "grid"),
    "en_building": _letter_or_number("building", "en_building"),
    "en_buildings": _numbers("building", "en_buildings"),
    "en_ordinal": _numbers("building", "en_ordinal"),
    "en_numbered": _numbers("building", "en_numbered"),
    "en_unit": _letter_or_number("unit", "en_unit"),
    "en_nth_unit": _numbers("unit", "en_nth_unit"),
    "en_floor": _numbers("floor", "en_floor"),
    "en_nth_floor": _numbers("floor", "en_nth_floor"),
    "f_floor": _numbers("floor", "f_floor"),
    "en_top": _said("floor", "top"),
    "en_ground": _said("floor", "1"),
    "en_basement": _said("floor", "-1"),
    "en_room": _door("en_room"),
    "en_grid": _numbers("grid", "en_grid"),
}


def read_part(kind: str, words: str) -> str | None:
    """A part of an address that was filled in by itself, as it is written on the door: `12栋`, `十二` and `12` as "12".
    None: too long, or blank."""
    text = fold_characters(words).strip()
    elements = list(find_elements(text))
    if len(elements) == 1 and elements[0].kind == kind and len(elements[0].values) == 1:
        element = elements[0]
        if element.start == 0 and element.end == len(text):
            return element.values[0]
    number = read_door(text) if kind == "room" else read_number(text)
    part = number or " ".join(normalise_text(words).split())
    return part if 0 < len(part) <= LONGEST_PART else None
