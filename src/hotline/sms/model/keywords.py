"""The keywords residents send to gateways: to get no more texts, to get them again, for help; and mere thanks.

A keyword is one only alone: marks, quotes, emoji and words of politeness may stand about it, nothing else."""

import unicodedata
from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache

from hotline.text.normalisation import normalise_text
from hotline.text.simplified import to_simplified

# of Chinese carriers; of carriers abroad (CTIA Messaging Principles 2023, 5.1.3; Twilio's and AWS's defaults)
OPT_OUT = frozenset(
    {
        "TD", "T", "N", "R", "退订", "取消订阅", "拒收",
        "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE",
    }
)  # fmt: skip
INITIALS = frozenset({"TD", "T", "N", "R"})  # carriers' own, of no language
OPT_IN = frozenset({"START", "UNSTOP", "恢复", "订阅", "恢复订阅", "取消退订"})
HELP = frozenset({"HELP", "帮助", "INFO", "你好", "您好", "在吗", "HELLO", "HI"})
THANKS = frozenset(
    {
        "谢谢", "谢谢你", "谢谢您", "谢谢你们", "谢谢了", "感谢", "多谢", "再次感谢", "再次谢谢", "非常感谢",
        "十分感谢", "好的", "好", "好的谢谢", "好谢谢", "收到", "收到谢谢", "知道了", "嗯", "嗯嗯", "辛苦了",
        "OK", "OKAY", "THANKS", "THANKYOU", "THX", "GOTIT", "THANKSAGAIN", "THANKYOUAGAIN",
    }
)  # fmt: skip
_POLITE_BEFORE = ("请", "麻烦", "我要", "我想", "申请", "办理", "回复", "回", "发送", "重新", "PLEASE")
_POLITE_AFTER = (
    "短信",
    "短讯",
    "简讯",
    "信息",
    "消息",
    "通知",
    "提醒",
    "服务",
    "谢谢",
    "谢谢你",
    "多谢",
    "了",
    "吧",
    "PLEASE",
    "THANKS",
)
_LONGEST = 40  # characters of a keyword with what may stand about it
_LONGEST_WRITTEN = 200  # the same with marks, quotes and emoji


class ProviderKeyword(StrEnum):
    """What a provider that keeps a stop list of its own says a text was: Twilio's OptOutType."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


def provider_keyword(given: object) -> ProviderKeyword | None:
    """What the provider marked a text as; None: as nothing that is known."""
    word = str(given or "").strip().upper()
    return next((keyword for keyword in ProviderKeyword if keyword == word), None)


def keyword_form(text: str) -> str:
    """What is compared with keywords: simplified, upper case, letters and digits alone. Question and plus marks stay,
    since they change what is meant. Empty: it is too long for one, or nothing is left."""
    if len(text) > _LONGEST_WRITTEN:
        return ""  # no keyword is as long
    plain = to_simplified(normalise_text(text)).upper()
    return "".join(c for c in plain if c in "?+" or unicodedata.category(c)[0] in "LN")


@lru_cache(maxsize=256)
def keyword_forms(words: frozenset[str]) -> frozenset[str]:
    """The keyword forms of words that somebody set."""
    return frozenset(map(keyword_form, words))


def is_keyword(form: str, words: Collection[str]) -> bool:
    """Whether a text in its keyword form says one of these words and nothing else, or the same in two languages
    ("TD退订")."""
    if not form or len(form) > _LONGEST:
        return False
    if form in words:
        return True
    left = _strip(form, _POLITE_BEFORE, ())
    left = _strip(left, (), _POLITE_AFTER)
    chinese = tuple(word for word in words if not word.isascii())
    rest = _strip(left, chinese, chinese)
    return rest in words or (not rest and bool(left))


def _strip(text: str, starts: tuple[str, ...], ends: tuple[str, ...]) -> str:
    """Without these words at its beginning and its end, however often they stand there."""
    before = None
    while text != before:
        before = text
        for word in starts:
            text = text.removeprefix(word)
        for word in ends:
            text = text.removesuffix(word)
    return text
