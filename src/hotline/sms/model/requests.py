"""Reads what a resident's text asks for, from its words alone. What is done about it depends on their tickets: see
`sms/text_intake`."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from hotline.sms.model.keywords import HELP, INITIALS, OPT_IN, OPT_OUT, THANKS, is_keyword, keyword_form, keyword_forms
from hotline.text.normalisation import join_broken_words, normalise_text
from hotline.text.numbering import TicketNumber, parse_number
from hotline.text.simplified import to_simplified, written_in_traditional
from hotline.tickets.model.dangers import dangers_of
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.vocabulary import CODE_LENGTH, OPEN, Satisfaction, TicketStatus
from hotline.triage.model.advice import Advice

_SATISFACTION_WORDS = {
    "1": Satisfaction.VERY_SATISFIED, "2": Satisfaction.SATISFIED, "3": Satisfaction.FAIR,
    "4": Satisfaction.DISSATISFIED, "5": Satisfaction.VERY_DISSATISFIED,
    "非常满意": Satisfaction.VERY_SATISFIED, "很满意": Satisfaction.VERY_SATISFIED, "满意": Satisfaction.SATISFIED,
    "基本满意": Satisfaction.FAIR, "一般": Satisfaction.FAIR, "一般般": Satisfaction.FAIR, "还可以": Satisfaction.FAIR,
    "不太满意": Satisfaction.DISSATISFIED, "不大满意": Satisfaction.DISSATISFIED, "唔满意": Satisfaction.DISSATISFIED, "不满意": Satisfaction.DISSATISFIED, "不满": Satisfaction.DISSATISFIED,
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
_SATISFACTION_ALONE = dict(zip("一二三四五", (_SATISFACTION_WORDS[digit] for digit in "12345"), strict=True))
_WORDS = "|".join(re.escape(w) for w in sorted(_SATISFACTION_WORDS, key=len, reverse=True) if not w.isdigit())
# a digit is an opinion only alone, with thanks or a reason: "1、2号楼停水", "1.5米高的围墙" and "1 栋漏水" are none
_DIGIT = re.compile(
    r"(?:(?:回复|选择?|评价|打|给)[\s:]*+)?([1-5])[分星]?(?:[\s,.;:!。、]+([^栋号楼幢单层户.\s].*))?", re.DOTALL
)
_RATED = re.compile(rf"({_WORDS})[的了啊呀哦啦]?(?:(?:谢谢|感谢|多谢|辛苦)[你您们了]*+|[\s,.;:!。、]+(.*))?", re.DOTALL)
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
# emoji and other symbols (So, Sk)
_SYMBOL = re.compile(
    f"[{''.join(c for c in map(chr, range(0x80, 0x10000)) if unicodedata.category(c) in ('So', 'Sk'))}\U0001f000-\U0001faff]"
)
_DIGIT_RUN = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
_CJK = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[A-Za-z]{2}")
SIMPLIFIED, TRADITIONAL = "zh", "zh-Hant"
EITHER_FORM = "zh-Hani"  # as BCP 47 calls Chinese characters of whatever form
_TRAILING = " \t\r\n.。!！,，、~～"
_ENCLOSING = "\"'“”‘’「」『』《》〈〉【】()[]{}" + _TRAILING
MAX_READ_LENGTH = 10_000  # characters of a text that are read for what it wants
MAX_NUMBERS = 20  # ticket numbers that one text may name
MIN_CONFIDENCE = 0.75  # from here on a category says that a text is of another matter
MAX_TEXTS_PER_HOUR = 20  # texts of one number that open something; beyond it they wait for review, except dangers


class Intent(StrEnum):
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
    """`numbers`: the ticket numbers it names, and `code` the query code that goes with them. `is_recurring`: it says that
    something came back or was never mended."""

    intent: Intent
    numbers: tuple[TicketNumber, ...] = ()
    code: str | None = None
    satisfaction: Satisfaction | None = None
    words: str = ""  # beside the opinion
    is_recurring: bool = False
    language: str | None = None  # of the text alone, see `detect_language`


def parse_text(text: str, opt_out: Collection[str] = OPT_OUT) -> TextRequest:
    """Read a text. Opting out takes a keyword alone: "TD" does, "T恤店噪音太大" does not."""
    plain = normalise_text(text[:MAX_READ_LENGTH]).strip()
    language = detect_language(plain)
    if not _has_visible_text(plain):
        return TextRequest(Intent.NOTHING)
    form = keyword_form(plain)
    intent = _keyword_intent(form, opt_out)
    if intent is not None:
        return TextRequest(intent, language=None if form in INITIALS else language)
    # as long as what was written, so that a comment can be cut from that
    written = _without_symbols(plain).strip(_TRAILING)
    bare_text = to_simplified(_upper(written))
    progress = _PROGRESS.fullmatch(bare_text) or _PROGRESS.fullmatch(join_broken_words(bare_text))
    if progress:
        numbers, code = _parse_numbers_and_code(progress[1])
        return TextRequest(Intent.PROGRESS, numbers, code, language=language)
    numbers, _ = _parse_numbers_and_code(plain)
    alone = parse_number(bare_text) if bare_text.replace(" ", "").replace("-", "").isdigit() else None
    if alone is not None:  # a number and nothing else: how is it going?
        return TextRequest(Intent.PROGRESS, (alone,), language=language)
    rest = bare_text
    for run in _DIGIT_RUN.findall(bare_text):  # "100000006 1": of this ticket
        if parse_number(run.split(" ")[0]) is not None:
            rest = bare_text.replace(run.split(" ")[0], "", 1).strip(_TRAILING + ":#")
            break
    again = _says_recurring(bare_text)
    opinion = _parse_rating(rest)
    if opinion is None:
        written, rest = join_broken_words(written), join_broken_words(rest)  # "满\n意" is the same word
        opinion = _parse_rating(rest) or _parse_rating(rest.strip(_ENCLOSING))
    if opinion is not None:
        satisfaction, comment = opinion
        words = written[-len(comment) :] if comment else ""
        return TextRequest(Intent.RATE, numbers, None, satisfaction, words, again, language)
    return TextRequest(Intent.MATTER, numbers, is_recurring=again, language=language)


def _keyword_intent(form: str, opt_out: Collection[str]) -> Intent | None:
    """What a keyword asks for; None: it is none."""
    if is_keyword(form, keyword_forms(frozenset(opt_out))):
        return Intent.OPT_OUT
    if is_keyword(form, OPT_IN):
        return Intent.OPT_IN
    if form in HELP or (form and not form.strip("?")):
        return Intent.HELP
    return Intent.THANKS if form in THANKS else None


def _without_symbols(text: str) -> str:
    """With a blank for each emoji and other symbol: they part words, and say nothing that is read."""
    return text if text.isascii() else _SYMBOL.sub(" ", text)


def _upper(text: str) -> str:
    """In upper case, as long as before: ß stays."""
    upper = text.upper()
    return upper if len(upper) == len(text) else "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


def _parse_rating(text: str) -> tuple[Satisfaction, str] | None:
    """How satisfied they are, and what they say beside it; None: it is no opinion."""
    if text in _SATISFACTION_ALONE:
        return _SATISFACTION_ALONE[text], ""
    digit = _DIGIT.fullmatch(text)
    if digit:
        satisfaction, comment = _SATISFACTION_WORDS[digit[1]], digit[2] or ""
        if not comment or keyword_form(comment) in THANKS:
            return satisfaction, ""
        if _says_recurring(comment):  # whatever the digit: it is not solved
            return (satisfaction if satisfaction in UNSOLVED else Satisfaction.DISSATISFIED), comment
        return None
    word = _RATED.fullmatch(text)
    return (_SATISFACTION_WORDS[word[1]], word[2] or "") if word else None


def _says_recurring(text: str) -> bool:
    """Whether it says that something came back or was never mended."""
    return bool(_AGAIN.search(_NOT_AGAIN.sub("", join_broken_words(text))))


def detect_language(text: str) -> str | None:
    """en where only letters stand in it; of a text with Chinese characters zh (simplified) or zh-Hant by those that one
    form alone has, and EITHER_FORM where it has none or as many of each; None for digits."""
    if _CJK.search(text):
        is_traditional = written_in_traditional(text[:MAX_READ_LENGTH])
        return EITHER_FORM if is_traditional is None else TRADITIONAL if is_traditional else SIMPLIFIED
    return "en" if _LETTER.search(text) else None


def settle_language(found: Iterable[str | None]) -> str:
    """The first of these languages that is known. Where it is EITHER_FORM, the form is that of the next one that tells
    it; simplified where none does."""
    is_either = False
    for language in found:
        if language == EITHER_FORM:
            is_either = True
        elif language is not None and (not is_either or language in (SIMPLIFIED, TRADITIONAL)):
            return language
    return SIMPLIFIED


def _has_visible_text(text: str) -> bool:
    return any(not c.isspace() and unicodedata.category(c) not in ("Cs", "Co", "Cn") for c in text)


def _parse_numbers_and_code(text: str) -> tuple[tuple[TicketNumber, ...], str | None]:
    """Ticket numbers in a text, each by its check digit, and a query code of six digits."""
    numbers: dict[TicketNumber, None] = {}
    code: str | None = None
    for run in _DIGIT_RUN.findall(text):
        if len(numbers) >= MAX_NUMBERS:
            break  # each is looked up
        pieces = run.replace("-", " ").split()
        found = parse_number(run) if len(pieces) > 1 else None
        if found is not None:
            numbers[found] = None
            continue
        if (
            len(pieces) > 3 and (found := parse_number("".join(pieces[:3]))) is not None
        ):  # said in threes, then the code
            numbers[found] = None
            pieces = pieces[3:]
        for piece in pieces:
            if (found := parse_number(piece)) is not None:
                numbers[found] = None
            elif len(piece) == CODE_LENGTH:
                code = code or piece
    return tuple(numbers), code


class TextEffect(StrEnum):
    """What a text does to the ticket it refers to."""

    NEW = "new"  # nothing: it is another matter
    JOIN = "join"
    TELL = "tell"  # what we asked for
    RATE = "rate"
    REOPEN = "reopen"
    NOTE = "note"


def effect_on_ticket(
    ticket: Ticket,
    request: TextRequest,
    advice: Advice,
    comment_advice: Advice | None,
    *,
    is_own_ticket: bool,
    is_named: bool,
) -> tuple[TextEffect, Satisfaction | None]:
    """What a text does to this ticket, and how satisfied its sender is. `advice`: of the text; `comment_advice`: of what stands
    beside an opinion; `is_own_ticket`: the sender is its caller; `is_named`: by its number. Of a ticket that carries theirs
    together with others' they may say more, and decide nothing."""
    if set(advice.dangers) - set(
        dangers_of(ticket)
    ):  # a danger is never filed under something else, whatever else the text says
        return TextEffect.NEW, None
    another = not is_named and _is_other_matter(ticket, advice)
    if ticket.status is TicketStatus.RESOLVED and is_own_ticket:
        if request.intent is Intent.RATE and request.satisfaction is not None:
            return _rating_effect(request.satisfaction, comment_advice), request.satisfaction
        if request.is_recurring and not _is_other_matter(ticket, advice):
            return TextEffect.REOPEN, Satisfaction.DISSATISFIED
    if ticket.status is TicketStatus.CLOSED and is_own_ticket:
        if request.is_recurring or request.satisfaction in UNSOLVED:
            return (TextEffect.NEW if another else TextEffect.REOPEN), None
        return (TextEffect.NOTE if request.intent is Intent.RATE else TextEffect.NEW), None
    if ticket.status not in OPEN or another:
        return TextEffect.NEW, None
    return (TextEffect.TELL if ticket.status is TicketStatus.AWAITING_INFO and is_own_ticket else TextEffect.JOIN), None


def _rating_effect(satisfaction: Satisfaction, comment_advice: Advice | None) -> TextEffect:
    """Content with this, and with something new to say: that must not vanish in a closed ticket."""
    if satisfaction in UNSOLVED:
        return TextEffect.REOPEN
    new = (
        comment_advice is not None
        and comment_advice.category is not None
        and comment_advice.confidence >= MIN_CONFIDENCE
    )
    return TextEffect.NEW if new else TextEffect.RATE


def _is_other_matter(ticket: Ticket, advice: Advice) -> bool:
    """Surely of another kind than this ticket's: a new matter, though it comes on the same line."""
    sure = advice.category is not None and advice.confidence >= MIN_CONFIDENCE
    return sure and ticket.category is not None and advice.category != ticket.category
