"""Whether what a frame found is so: happening now, here, to somebody, and said as a fact.

Every operator (a word list named like one of `Operator`) has a reach: its clause, its sentence, or a number of units.
An operator lowers the hit it governs and no other one."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hotline.organisation.model.items import DangerFrame
from hotline.organisation.model.vocabulary import Danger, Grade, Operator
from hotline.text.word_finder import Span
from hotline.triage.model.danger.surroundings import DATE, QUOTES, Surroundings
from hotline.triage.model.danger.times import Times
from hotline.triage.model.matching import Hit, Reading

_STRONG_NEGATIONS = frozenset({"不是", "并非", "not", "no", "never", "nobody"})
_REACH, _STRONG_REACH = 4, 5  # of a negation, in units
_AND = frozenset("和跟与同")
_OF, _OF_THEMSELVES = ("的", "嘅"), frozenset("身脚腿头手脸人妈爸儿女孩娃老爷奶朋弟妹哥姐")
_ONES_OWN, _BEFORE_KEPT = frozenset("我们"), "们家的那一两几只条棵盆院子里"
_FALLS_ILL = frozenset("晕昏摔跌滑绊病累饿醉栽")  # in front of 倒: a person falls, and no building
_INSIDE = frozenset({"里面", "里头", "里面有"})
_NOBODY = ("没有人", "没得人", "没人", "莫得人", "空的")
_BODY_VERBS = frozenset("痛疼烧呛喘咳吐烫伤闷压抽晕摔砸打撞流咬")  # what V得 tells of them is no exaggeration
_ABLE = frozenset("见到清出着")  # behind V得: what one is able to hear or see is no exaggeration
_NOT_DONE = ("没", "未", "不", "冇", "想", "要", "等")
_USUALLY = ("平时", "平常", "往常", "通常", "往日", "usually", "normally", "always")  # what is not now
_NOT_DONE_WORDS = ("cannot", "can't", "not", "never", "couldn't", "won't")


class Lowered(StrEnum):
    """Why a hit counts for less, or for nothing."""

    UNLESS = "unless"
    DENIED = "denied"
    ALMOST = "almost"
    HYPOTHESIS = "hypothesis"
    ERROR = "error"
    TITLE = "title"
    NAME = "name"  # what a business is called, or what somebody there calls out
    MEDIA = "media"
    ELSEWHERE = "elsewhere"
    FRAUD = "fraud"
    COMPARISON = "comparison"
    THING = "thing"
    EXAGGERATION = "exaggeration"
    THREAT = "threat"  # exaggerated, but of one's own death
    FOLLOWED_UP = "followed-up"
    PAST = "past"
    RIGHTS = "rights"
    POLICY = "policy"
    QUESTION = "question"
    DONE = "done"
    FEAR = "fear"
    FINE = "fine"
    FORWARDED = "forwarded"
    LONG = "long"  # parts of a long sentence that may have nothing to do with each other, or a long written text
    SOUND = "sound"  # heard in the sound alone


# lowered to a question; every other reason leaves nothing
_ASKS = frozenset(
    {
        Lowered.ELSEWHERE,
        Lowered.FEAR,
        Lowered.FINE,
        Lowered.FOLLOWED_UP,
        Lowered.FORWARDED,
        Lowered.NAME,
        Lowered.THREAT,
    }
)
# dangers of a body: what a device does in such words is none of them
_BODILY = frozenset({Danger.MEDICAL, Danger.MISSING, Danger.SELF_HARM, Danger.WATER, Danger.VIOLENCE, Danger.COLLAPSE})
# what a threat is made against, where it is nobody, behind "my" or "our"
_KEPT = (
    "花", "树", "草", "菜", "猫", "狗", "小猫", "小狗", "公鸡", "母鸡", "鸡", "鸭", "鹅", "鱼", "鸟", "兔",
    "蚊", "蟑螂", "老鼠", "虫", "蜂", "竹", "心",
)  # fmt: skip
# what ends a fire, and what ends the search for somebody
_QUENCHED = ("灭", "熄", "put out")
_RETURNED = ("找到", "找回", "搵返", "回家", "found")
_BURNING = frozenset({Danger.FIRE, Danger.GAS, Danger.CHEMICAL, Danger.ELECTRIC})
# where nobody is hurt, nothing is left but something to repair
_HARMLESS_IF_FINE = frozenset({Danger.TRAFFIC, Danger.COLLAPSE})


@dataclass(frozen=True, slots=True)
class JudgedHit:
    """A hit with what it asks for (None: nothing), and why it was lowered."""

    hit: Hit
    frame: DangerFrame
    grade: Grade | None
    lowered: Lowered | None = None


def judge(reading: Reading, hit: Hit, frame: DangerFrame) -> JudgedHit:
    """What a hit of a danger frame asks for."""
    lowered = _Context(reading, hit, frame.danger).lowered(frame.keeps)
    if lowered is not None:
        asks = lowered in _ASKS and not (lowered is Lowered.FINE and frame.danger in _HARMLESS_IF_FINE)
        return JudgedHit(hit, frame, Grade.ASK if asks else None, lowered)
    if frame.grade is Grade.CUE:
        return JudgedHit(hit, frame, Grade.ACT if has_cue(reading, hit) else Grade.ASK)
    return JudgedHit(hit, frame, frame.grade)


def has_cue(reading: Reading, hit: Hit) -> bool:
    """Whether the text calls for help, or its sentence names somebody or says that it is now."""
    if reading.operator(Operator.PLEA):
        return True
    return Surroundings(reading, hit).has_cue()


def belongs_together(reading: Reading, hit: Hit) -> bool:
    """Whether a hit stands in one clause or one short sentence, or its clauses say that it is now. Who tells of several
    matters in one sentence names people and things that have nothing to do with each other."""
    context = Surroundings(reading, hit)
    return context.is_close() or context.is_live_nearby()


def is_said(reading: Reading, hit: Hit, told: Collection[Span] = (), apart_from: Collection[int] = ()) -> bool:
    """Whether a hit is neither denied nor made something else by its sentence. `told`: negations that deny nothing
    behind them, as they belong to words that say by themselves what is missing ("no water"). `apart_from`: clauses
    whose words make nothing else of it."""
    context = _Context(reading, hit)
    return not (context.is_something_else(apart_from) or context.is_denied(told))


class _Context(Times):
    """The reasons that lower a hit."""

    def __init__(self, reading: Reading, hit: Hit, danger: Danger | None = None) -> None:
        super().__init__(reading, hit)
        self.danger = danger

    def lowered(self, keeps: Collection[Operator]) -> Lowered | None:
        """The first reason that holds and is not kept out."""
        for reason, operator, holds in self.reading.once(_possible_checks):
            if (operator is None or operator not in keeps) and holds(self):
                return reason
        return None

    def is_something_else(self, apart_from: Collection[int] = ()) -> bool:
        unless, reading = self.hit.pattern.unless, self.reading
        if unless is None or not reading.has(unless):
            return False
        clauses = [
            self.clause_of(span)
            for span in self.near(reading.spans(unless))
            if reading.sentences[span[0]] == self.sentence
            and not (self.danger is None and reading.is_parted(min(span[1], self.end), max(span[0], self.start)))
        ]
        if apart_from:
            clauses = [clause for clause in clauses if clause not in apart_from]
        if any([self.first_clause <= clause <= self.last_clause for clause in clauses]):
            return True
        # what is told beside it makes nothing else of what is happening now, or what help is called for
        beside = any([self.first_clause - 2 <= clause <= self.last_clause + 2 for clause in clauses])
        return beside and not (reading.operator(Operator.PLEA) or self.is_live_nearby())

    def is_denied(self, told: Collection[Span] = ()) -> bool:
        if self.is_asked_and_answered():
            return True
        negations = self.around(Operator.NEGATION)
        if told:
            negations = [span for span in negations if span not in told]
        if not negations and len(self.hit.spans) < 3:
            return False
        if any(span[0] < group[0] < span[1] for group in self.hit.spans for span in negations):
            return True  # "nobody" holds "somebody"
        for group in self.hit.spans[:2]:
            for span in negations:
                if (
                    self.governs(span, group, _STRONG_REACH)
                    and (self.text[span[0] : span[1]] in _STRONG_NEGATIONS or self.governs(span, group, _REACH))
                    and not self._ends_between(span[1], group[0])
                ):
                    return True
        for group in self.hit.spans[2:]:
            if any(self.governs(span, group, 2) for span in negations):
                return True
            if self.text[group[0] : group[1]] in _INSIDE and _contains(self.text[group[1] : group[1] + 5], _NOBODY):
                return True
        return False

    def _ends_between(self, start: int, end: int) -> bool:
        """Whether a negation in front of `start` denies something that stands before `end`."""
        return any(start <= span[0] and span[1] <= end for span in self.around(Operator.ENDS_NEGATION))

    def is_almost(self) -> bool:
        return self.stands_before(Operator.ALMOST, 8) or self.stands_before(Operator.ALMOST, 8, (self.start, self.end))

    def is_hypothesis(self) -> bool:
        name = Operator.HYPOTHESIS
        if self.danger is Danger.SELF_HARM and self.is_said_to_follow():
            return False
        return (
            self.stands_before(name, 30)
            or self.stands_before(name, 30, (self.start, self.end))
            or self._follows_from_hypothesis()
        )

    def _follows_from_hypothesis(self) -> bool:
        """Whether the clause before begins with a hypothesis and this one says what would follow."""
        return any(
            self.clause_of(span) == self.event_clause - 1 for span in self.in_sentence(Operator.HYPOTHESIS)
        ) and self.stands_before(Operator.THEN, 8)

    def is_error(self) -> bool:
        reals = self.around(Operator.REAL)
        return any(
            self.governs(span, self.event, 10) and not any(span[1] <= real[0] < self.event[0] for real in reals)
            for span in self.around(Operator.ERROR)
        )

    def is_media(self) -> bool:
        asked = self.near(self.follow_up.questions)  # "any news" is no news
        told = [
            span
            for span in self.in_sentence(Operator.MEDIA)
            if not any(s <= span[0] and span[1] <= e for s, e in asked)
        ]
        # who asks whether it is real does not say so
        real = [r for r in self.in_sentence(Operator.REAL) if not any(s <= r[0] and r[1] < e for s, e in told)]
        for span in told:
            clause = self.clause_of(span)
            near = self.first_clause <= clause <= self.last_clause or (
                abs(self.first_clause - clause) <= 1 and not self.present
            )
            if not near or self.only_tells_when(span, medical=self.danger is Danger.MEDICAL):
                continue
            # "not a drill" holds the drill
            if not any(span[1] <= other[0] or other[0] <= span[0] < other[1] for other in real):
                return True
        return False

    def is_swindle(self) -> bool:
        """What a swindler tells to get money. Not for self-harm: the victim of a fraud may be in danger."""
        if self.danger is Danger.SELF_HARM or not self.around(Operator.FRAUD):
            return False
        reals = self.around(Operator.REAL)
        return any(
            span[1] <= self.event[0]
            and 0 <= self.event_clause - self.clause_of(span) <= 1
            and not any(span[1] <= real[0] < self.event[0] for real in reals)
            for span in self.in_sentence(Operator.TELLS)
        )

    def is_comparison(self) -> bool:
        reading, clause = self.reading, self.event_clause
        return self.stands_before(Operator.LIKE, 6) and any(
            self.event[1] <= span[0]
            and self.clause_of(span) == clause
            and reading.units_between(self.event[1], span[0]) <= 4
            for span in self.around(Operator.ALIKE)
        )

    def is_thing(self) -> bool:
        """A thing stands before the event in its clause, and no person but its owner ("my phone")."""
        names = (Operator.THING, Operator.DEVICE) if self.danger in _BODILY else (Operator.THING,)
        things = [
            span
            for name in names
            for span in self.around(name)
            # "he and his phone" are one subject
            if self.governs(span, self.event, 5) and self.text[span[0] - 1 : span[0]] not in _AND
        ]
        if not things:
            return False
        if self._is_done_by_somebody(things[0]):
            return False
        persons = [span for span in self.hit.spans if span in self.reading.persons]
        beside = [span for span in persons if self.clause_of(span) == self.event_clause]
        return all(span < self.event and self._owns(span, things[0]) for span in beside)

    def _is_done_by_somebody(self, thing: Span) -> bool:
        """Whether somebody stands between the thing and the event, in its clause: who complains of somebody is told of
        what he does ("I complained, and he hit me")."""
        return any(
            thing[1] <= span[0] and span[1] <= self.event[0] and self.clause_of(span) == self.event_clause
            for span in self.near(self.reading.operator(Operator.PERSON))
        )

    def is_owned(self) -> bool:
        """Whether what fell into the water is something of somebody: 娃儿的玩具掉进水池."""
        text, persons = self.text, self.reading.persons
        return self.danger is Danger.WATER and any(
            end < self.event[0] and _is_owner(text[end : end + 5]) and self.clause_of((start, end)) == self.event_clause
            for start, end in self.hit.spans
            if (start, end) in persons
        )

    def is_of_something_kept(self) -> bool:
        """Whether who is threatened only owns it, or names what they feel: 弄死我家的花, 想掐死我的心."""
        text = self.text
        return self.danger is Danger.VIOLENCE and any(
            text[end - 1] in _ONES_OWN and text[end : end + 8].lstrip(_BEFORE_KEPT).startswith(_KEPT)
            for _, end in self.hit.spans
        )

    def is_of_a_body(self) -> bool:
        """Whether who falls ill is read as something that comes down."""
        text = self.text
        return self.danger is Danger.COLLAPSE and any(
            text[start] == "倒" and text[start - 1 : start] in _FALLS_ILL for start, _ in self.hit.spans
        )

    def _owns(self, person: Span, thing: Span) -> bool:
        between = self.text[person[1] : thing[0]]
        return 0 <= thing[0] - person[1] <= 1 and between not in _AND

    def is_exaggeration(self) -> bool:
        return self.danger is not Danger.SELF_HARM and self._is_intense()

    def is_threat(self) -> bool:
        """A death that is exaggerated, or that would follow if somebody does not do something."""
        if self.danger is not Danger.SELF_HARM:
            return False
        live = len(self.hit.spans) > 2 or any(
            0 <= self.clause_of(span) - self.event_clause <= 1
            for name in (Operator.NOW, Operator.PRESENT)
            for span in self.around(name)
        )
        return self._is_intense() or (
            not live
            and any(
                span[1] <= self.event[0] and 0 <= self.event_clause - self.clause_of(span) <= 1
                for span in self.in_sentence(Operator.ULTIMATUM)
            )
        )

    def _is_intense(self) -> bool:
        text = self.text
        return any(
            self.governs(span, self.event, 8)
            and not (text[span[0]] == "得" and text[span[0] - 1 : span[0]] in _BODY_VERBS)
            and not (text[span[1] - 1] == "得" and text[span[1] : span[1] + 1] in _ABLE)
            for span in self.around(Operator.INTENSE)
        )

    def is_about_rights(self) -> bool:
        return not self.is_live() and any(span[0] >= self.start for span in self.in_sentence(Operator.RIGHTS))

    def is_about_policy(self) -> bool:
        """Something is proposed. What has happened is not lowered by a proposal told before it."""
        spans = self.in_sentence(Operator.POLICY)
        if self.has_result():
            spans = [span for span in spans if self.clause_of(span) >= self.first_clause]
        return bool(spans) and not self.is_live()

    def is_done(self) -> bool:
        again = self.around(Operator.AGAIN)
        for span in self.in_sentence(Operator.DONE):
            behind = self.clause_of(span) - self.last_clause
            if span[0] < self.start or not 0 <= behind <= 1 or self._is_undone(span[0]) or self._is_of_another(span):
                continue
            reopened = any(span[1] <= a[0] and self.clause_of(a) - self.clause_of(span) <= 2 for a in again)
            if not (behind and reopened):
                return True
        return False

    def _is_of_another(self, span: Span) -> bool:
        """Whether what is over is another danger: a lamp that goes out ends no fall, and who is found was not hurt."""
        over = self.text[span[0] : span[1]]
        return (_contains(over, _QUENCHED) and self.danger not in _BURNING) or (
            _contains(over, _RETURNED) and self.danger in _BURNING
        )

    def _is_undone(self, offset: int) -> bool:
        """Whether what stands at the offset is denied or only wanted: not put out, cannot be found."""
        before = self.text[max(0, offset - 16) : offset]
        return _contains(before[-2:], _NOT_DONE) or _contains(before, _NOT_DONE_WORDS) or _contains(before, _USUALLY)

    def is_feared(self) -> bool:
        return self.stands_before(Operator.FEAR, 10)

    def is_fine(self) -> bool:
        return any(
            span[0] >= self.start and self.clause_of(span) - self.last_clause <= 1
            for span in self.in_sentence(Operator.FINE)
        )

    def is_forwarded(self) -> bool:
        return bool(self.reading.operator(Operator.FORWARDED))


def _contains(text: str, words: Iterable[str]) -> bool:
    return any(word in text for word in words)


def _is_owner(behind: str) -> bool:
    """Whether "of" stands behind a person, with no part of themselves and nobody of theirs."""
    behind = behind.lstrip("儿娃们家")
    return behind[:1] in _OF and len(behind) > 1 and behind[1] not in _OF_THEMSELVES


_Check = tuple[Lowered, Operator | None, Callable[[_Context], bool]]
_MayHold = Callable[[Reading], bool]


def _needs(*operators: Operator) -> _MayHold:
    """A word of one of the operators stands in the text."""
    return lambda reading: any([reading.may_have(operator) for operator in operators])


def _always(_: Reading) -> bool:
    return True


def _has_quotation(reading: Reading) -> bool:
    return any([mark in reading.text for mark in QUOTES])


def _tells_of_past(reading: Reading) -> bool:
    return reading.may_have(Operator.PAST) or DATE.search(reading.text) is not None


def _has_past_form(reading: Reading) -> bool:
    return "过" in reading.text


def _has_owner(reading: Reading) -> bool:
    return "的" in reading.text or "嘅" in reading.text


def _names_something_kept(reading: Reading) -> bool:
    return _contains(reading.text, _KEPT)


def _may_fall_ill(reading: Reading) -> bool:
    return "倒" in reading.text


# in this order; the operator is the one that a frame may keep out; then what a text must have for it to hold anywhere
_CHECKS: tuple[tuple[_Check, _MayHold], ...] = (
    ((Lowered.UNLESS, None, _Context.is_something_else), _always),
    ((Lowered.DENIED, Operator.NEGATION, _Context.is_denied), _always),
    ((Lowered.ALMOST, Operator.ALMOST, _Context.is_almost), _needs(Operator.ALMOST)),
    ((Lowered.HYPOTHESIS, Operator.HYPOTHESIS, _Context.is_hypothesis), _needs(Operator.HYPOTHESIS)),
    ((Lowered.ERROR, Operator.ERROR, _Context.is_error), _needs(Operator.ERROR)),
    ((Lowered.TITLE, None, _Context.is_named), _has_quotation),
    ((Lowered.NAME, None, _Context.is_perhaps_named), _has_quotation),
    ((Lowered.MEDIA, Operator.MEDIA, _Context.is_media), _needs(Operator.MEDIA)),
    ((Lowered.ELSEWHERE, Operator.ELSEWHERE, _Context.leads_to_question_of_own), _needs(Operator.ELSEWHERE)),
    ((Lowered.FRAUD, Operator.FRAUD, _Context.is_swindle), _needs(Operator.FRAUD)),
    ((Lowered.COMPARISON, Operator.LIKE, _Context.is_comparison), _needs(Operator.LIKE)),
    ((Lowered.THING, Operator.THING, _Context.is_thing), _needs(Operator.THING, Operator.DEVICE)),
    ((Lowered.THING, Operator.THING, _Context.is_owned), _has_owner),
    ((Lowered.THING, None, _Context.is_of_a_body), _may_fall_ill),
    ((Lowered.THING, None, _Context.is_of_something_kept), _names_something_kept),
    ((Lowered.THREAT, Operator.INTENSE, _Context.is_threat), _needs(Operator.INTENSE, Operator.ULTIMATUM)),
    ((Lowered.EXAGGERATION, Operator.INTENSE, _Context.is_exaggeration), _needs(Operator.INTENSE)),
    ((Lowered.FOLLOWED_UP, Operator.PROGRESS, _Context.is_followed_up), _needs(Operator.PROGRESS)),
    ((Lowered.PAST, Operator.PAST, _Context.is_past), _tells_of_past),
    ((Lowered.PAST, None, _Context.has_past_form), _has_past_form),
    ((Lowered.RIGHTS, Operator.RIGHTS, _Context.is_about_rights), _needs(Operator.RIGHTS)),
    ((Lowered.POLICY, Operator.POLICY, _Context.is_about_policy), _needs(Operator.POLICY)),
    ((Lowered.QUESTION, Operator.HOWTO, _Context.is_question), _needs(Operator.HOWTO)),
    ((Lowered.DONE, Operator.DONE, _Context.is_done), _needs(Operator.DONE)),
    ((Lowered.FEAR, Operator.FEAR, _Context.is_feared), _needs(Operator.FEAR)),
    ((Lowered.FINE, Operator.FINE, _Context.is_fine), _needs(Operator.FINE)),
    ((Lowered.FORWARDED, Operator.FORWARDED, _Context.is_forwarded), _needs(Operator.FORWARDED)),
)


def _possible_checks(reading: Reading) -> Sequence[_Check]:
    """Those that may hold somewhere in a text: a few of twenty-four, which are asked at every hit."""
    return [check for check, may_hold in _CHECKS if may_hold(reading)]
