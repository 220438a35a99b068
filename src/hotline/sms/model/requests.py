"""What a resident's text asks for, read from its words alone. What comes of it depends on their tickets: `services`."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from hotline.text.normalisation import joined, normalised
from hotline.text.numbering import Number, read_number
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.vocabulary import CODE_LENGTH, OPEN, Satisfaction, TicketStatus
from hotline.triage.model import Advice

OPT_OUT = frozenset({"TD", "T", "N", "退订", "STOP", "UNSUBSCRIBE"})
_OPT_IN = frozenset({"START", "UNSTOP", "恢复", "订阅"})
_HELP = frozenset({"HELP", "帮助", "?", "INFO", "你好", "您好", "在吗", "HELLO", "HI"})
_THANKS = frozenset(
    {
        "谢谢", "谢谢你", "谢谢你们", "谢谢了", "感谢", "多谢", "再次感谢", "再次谢谢", "非常感谢", "十分感谢", "好的", "好", "好的谢谢", "好谢谢", "收到", "收到谢谢", "知道了", "嗯", "嗯嗯",
        "辛苦了", "OK", "OKAY", "THANKS", "THANK YOU", "THX", "GOT IT",
        "THANKS AGAIN", "THANK YOU AGAIN",
    }
)  # fmt: skip
_SCALE = {
    "1": Satisfaction.VERY_SATISFIED, "2": Satisfaction.SATISFIED, "3": Satisfaction.FAIR,
    "4": Satisfaction.DISSATISFIED, "5": Satisfaction.VERY_DISSATISFIED,
    "非常满意": Satisfaction.VERY_SATISFIED, "很满意": Satisfaction.VERY_SATISFIED, "满意": Satisfaction.SATISFIED,
    "基本满意": Satisfaction.FAIR, "一般": Satisfaction.FAIR, "不满意": Satisfaction.DISSATISFIED, "不满": Satisfaction.DISSATISFIED,
    "非常不满意": Satisfaction.VERY_DISSATISFIED, "很不满意": Satisfaction.VERY_DISSATISFIED,
    "解决了": Satisfaction.SATISFIED, "已解决": Satisfaction.SATISFIED, "修好了": Satisfaction.SATISFIED, "好了": Satisfaction.SATISFIED,
    "未解决": Satisfaction.DISSATISFIED, "没解决": Satisfaction.DISSATISFIED, "没有解决": Satisfaction.DISSATISFIED,
    "没修好": Satisfaction.DISSATISFIED, "没有修好": Satisfaction.DISSATISFIED,
    "VERY SATISFIED": Satisfaction.VERY_SATISFIED, "SATISFIED": Satisfaction.SATISFIED, "SOLVED": Satisfaction.SATISFIED,
    "FIXED": Satisfaction.SATISFIED, "FAIR": Satisfaction.FAIR, "DISSATISFIED": Satisfaction.DISSATISFIED,
    "NOT SATISFIED": Satisfaction.DISSATISFIED, "UNSATISFIED": Satisfaction.DISSATISFIED, "NOT SOLVED": Satisfaction.DISSATISFIED,
    "NOT FIXED": Satisfaction.DISSATISFIED, "VERY DISSATISFIED": Satisfaction.VERY_DISSATISFIED,
}  # fmt: skip
UNSOLVED = frozenset({Satisfaction.DISSATISFIED, Satisfaction.VERY_DISSATISFIED})
_WORDS = "|".join(re.escape(w) for w in sorted(_SCALE, key=len, reverse=True) if not w.isdigit())
# a digit is an opinion only alone, with thanks or a reason: "1、2号楼停水", "1.5米高的围墙" and "1 栋漏水" are none
_DIGIT = re.compile(r"([1-5])分?(?:[\s,.;:!。、]+([^栋号楼幢单层户.\s].*))?", re.DOTALL)
_RATED = re.compile(rf"({_WORDS})(?:[\s,.;:!。、]+(.*))?", re.DOTALL)
_PROGRESS = re.compile(r"(?:查询|查|进度|查进度|查询进度|QUERY|STATUS|PROGRESS)[\s:#,]*+([0-9 \-]*+)")
_AGAIN = re.compile(
    r"又坏|又漏|又堵|又停|又出|再次|重办|没有?解决|未解决|没有?修好|还是(?:不|没|坏|漏)|仍然|没人来|again|not fixed|not solved|"
    r"still (?:broken|leaking|not)|reopen",
    re.IGNORECASE,
)
_NOT_AGAIN = re.compile(  # what only sounds like it
    r"(?:没有?|不会|不再|未)(?:再次|又)|再次(?:感谢|谢谢|致谢|表扬)|(?:thanks?|thank you|thx|not|never|no) again|not (?:broken|leaking) again",
    re.IGNORECASE,
)
_RUN = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
_CJK = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[A-Za-z]{2}")
_PUNCTUATION = re.compile(r"[，,。.!！~～、]")
_TRAILING = " \t\r\n.。!！,，~～"
LONGEST_READ = 10_000  # characters of a text that are read for what it wants
MOST_NUMBERS = 20  # ticket numbers that one text may name
SURE = 0.75  # from here on a category says that a text is of another matter
MOST_AN_HOUR = 20  # texts of one number that open something; beyond it somebody looks first, dangers apart


class Wish(StrEnum):
    """What a text wants."""

    NOTHING = "nothing"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    PROGRESS = "progress"
    RATE = "rate"
    THANKS = "thanks"
    MATTER = "matter"


@dataclass(frozen=True, slots=True)
class TextRequest:
    """`numbers`: the ticket numbers it names, and `code` the query code that goes with them. `again`: it says that
    something came back or was never mended."""

    wish: Wish
    numbers: tuple[Number, ...] = ()
    code: str | None = None
    satisfaction: Satisfaction | None = None
    words: str = ""  # beside the opinion
    again: bool = False
    language: str | None = None  # zh, en; None: nothing in it tells


def read_text(text: str, opt_out: Collection[str] = OPT_OUT) -> TextRequest:
    """Read a text. Opting out takes the exact word, alone: "TD" does, "T恤店噪音太大" does not."""
    plain = normalised(text[:LONGEST_READ]).strip()
    whole = plain.strip(_TRAILING).upper()
    word = joined(whole)  # "满\n意" is the same word
    language = language_of(plain)
    if not _visible(plain):
        return TextRequest(Wish.NOTHING)
    if word in opt_out:
        return TextRequest(Wish.OPT_OUT, language=language)
    if word in _OPT_IN:
        return TextRequest(Wish.OPT_IN, language=language)
    if word in _HELP:
        return TextRequest(Wish.HELP, language=language)
    if _PUNCTUATION.sub("", word) in _THANKS:
        return TextRequest(Wish.THANKS, language=language)
    asked = _PROGRESS.fullmatch(whole) or _PROGRESS.fullmatch(word)
    if asked:
        numbers, code = _numbers_and_code(asked[1])
        return TextRequest(Wish.PROGRESS, numbers, code, language=language)
    numbers, _ = _numbers_and_code(plain)
    alone = read_number(whole) if whole.replace(" ", "").replace("-", "").isdigit() else None
    if alone is not None:  # a number and nothing else: how is it going?
        return TextRequest(Wish.PROGRESS, (alone,), language=language)
    rest = whole
    for run in _RUN.findall(whole):  # "100000006 1": of this ticket
        if read_number(run.split(" ")[0]) is not None:
            rest = whole.replace(run.split(" ")[0], "", 1).strip(_TRAILING + ":#")
            break
    opinion, again = _opinion(rest) or _opinion(joined(rest)), _comes_back(plain)
    if opinion is not None:
        said, beside = opinion
        return TextRequest(Wish.RATE, numbers, None, said, plain[-len(beside) :] if beside else "", again, language)
    return TextRequest(Wish.MATTER, numbers, again=again, language=language)


def _opinion(text: str) -> tuple[Satisfaction, str] | None:
    """How satisfied they are, and what they say beside it; None: it is no opinion."""
    digit = _DIGIT.fullmatch(text)
    if digit:
        said, beside = _SCALE[digit[1]], digit[2] or ""
        if not beside or _PUNCTUATION.sub("", beside) in _THANKS:
            return said, ""
        if _comes_back(beside):  # whatever the digit: it is not solved
            return (said if said in UNSOLVED else Satisfaction.DISSATISFIED), beside
        return None
    word = _RATED.fullmatch(text)
    return (_SCALE[word[1]], word[2] or "") if word else None


def _comes_back(text: str) -> bool:
    """Whether it says that something came back or was never mended."""
    return bool(_AGAIN.search(_NOT_AGAIN.sub("", joined(text))))


def language_of(text: str) -> str | None:
    """zh where a Chinese character stands in it, en where only letters do; None for digits."""
    if _CJK.search(text):
        return "zh"
    return "en" if _LETTER.search(text) else None


def _visible(text: str) -> bool:
    return any(not c.isspace() and unicodedata.category(c) not in ("Cs", "Co", "Cn") for c in text)


def _numbers_and_code(text: str) -> tuple[tuple[Number, ...], str | None]:
    """Ticket numbers in a text, each by its check digit, and a query code of six digits."""
    numbers: dict[Number, None] = {}
    code: str | None = None
    for run in _RUN.findall(text):
        if len(numbers) >= MOST_NUMBERS:
            break  # each is looked up
        pieces = run.replace("-", " ").split()
        found = read_number(run) if len(pieces) > 1 else None
        if found is not None:
            numbers[found] = None
            continue
        if len(pieces) > 3 and (found := read_number("".join(pieces[:3]))) is not None:  # said in threes, then the code
            numbers[found] = None
            pieces = pieces[3:]
        for piece in pieces:
            if (found := read_number(piece)) is not None:
                numbers[found] = None
            elif len(piece) == CODE_LENGTH:
                code = code or piece
    return tuple(numbers), code


class TextEffect(StrEnum):
    """What a text does to the ticket it speaks of."""

    NEW = "new"  # nothing: it is another matter
    JOIN = "join"
    TELL = "tell"  # what we asked for
    RATE = "rate"
    REOPEN = "reopen"
    NOTE = "note"


def does_to(
    ticket: Ticket, meaning: TextRequest, advice: Advice, beside: Advice | None, *, theirs: bool, named: bool
) -> tuple[TextEffect, Satisfaction | None]:
    """What a text does to this ticket, and how satisfied its sender is. `advice`: of the text; `beside`: of what stands
    beside an opinion; `theirs`: the sender is its caller; `named`: by its number. Of a ticket that carries theirs
    together with others' they may say more, and decide nothing."""
    known = {f.removeprefix("danger:") for f in ticket.flags if f.startswith("danger:")}
    if set(advice.dangers) - known:  # a danger is never filed under something else, whatever else the text says
        return TextEffect.NEW, None
    another = not named and _is_another(ticket, advice)
    if ticket.status is TicketStatus.RESOLVED and theirs:
        if meaning.wish is Wish.RATE and meaning.satisfaction is not None:
            return _rates(meaning.satisfaction, beside), meaning.satisfaction
        if meaning.again and not _is_another(ticket, advice):
            return TextEffect.REOPEN, Satisfaction.DISSATISFIED
    if ticket.status is TicketStatus.CLOSED and theirs:
        if meaning.again or meaning.satisfaction in UNSOLVED:
            return (TextEffect.NEW if another else TextEffect.REOPEN), None
        return (TextEffect.NOTE if meaning.wish is Wish.RATE else TextEffect.NEW), None
    if ticket.status not in OPEN or another:
        return TextEffect.NEW, None
    return (TextEffect.TELL if ticket.status is TicketStatus.AWAITING_INFO and theirs else TextEffect.JOIN), None


def _rates(said: Satisfaction, beside: Advice | None) -> TextEffect:
    """Content with this, and with something new to say: that must not vanish in a closed ticket."""
    if said in UNSOLVED:
        return TextEffect.REOPEN
    new = beside is not None and beside.category is not None and beside.confidence >= SURE
    return TextEffect.NEW if new else TextEffect.RATE


def _is_another(ticket: Ticket, advice: Advice) -> bool:
    """Surely of another kind than this ticket's: a new matter, though it comes on the same line."""
    sure = advice.category is not None and advice.confidence >= SURE
    return sure and ticket.category is not None and advice.category != ticket.category
