"""What people and machines write into a number field: the number in it, its extension, the words around it; and what is
not the number of a person: short codes, service senders, withheld numbers. E.164 parsing itself is a library's."""

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from hotline.server_secret import LookupDigest, lookup_key, lookup_keys
from hotline.text.normalisation import normalise_text

WITHHELD = frozenset(
    {
        "", "anonymous", "withheld", "private", "unknown", "unavailable", "restricted", "privatenumber",
        "unknownnumber", "nocallerid", "null", "none", "na", "匿名", "未知", "保密", "未知号码", "匿名来电", "匿名号码",
        "隐藏号码", "无号码", "无主叫", "无来显", "无来电显示", "未显示", "私人号码",
    }
)  # fmt: skip
LONGEST_RAW = 1000  # characters of a number field that are kept
LONGEST_NUMBER = 200  # characters in which a number is looked for
_SHORT = frozenset({"110", "112", "114", "117", "119", "120", "121", "122", "12110", "999"})
_AFTER_AREA_CODE = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})(?:1[0-9]{2,5}|9[56][0-9]{3,4})")  # 010-12345
_SPOKEN = str.maketrans("零〇一幺二两三四五六七八九", "0011223456789")
_HAN_DIGITS = re.compile(r"[零〇一幺二两三四五六七八九]{7,}")
_SIP = re.compile(r"sips?:(?P<user>[^@;>]*)|tel:(?P<number>[^;>]*)", re.IGNORECASE)
_ON_AN_ADDRESS = re.compile(r"(?P<user>[+0-9]+)@[0-9.]+(?::[0-9]+)?")  # as exchanges write it: 13800138000@10.0.0.1
_EXTENSION = re.compile(
    r"(?:转接?|轉接?|分机号?码?|分機號?碼?|内线|內線|;?ext(?:ension|n)?|x|#|\*|,{1,3}|;)[\s.:=]*+(?:分机|分機)?[\s.:=]*+"
    r"([0-9]{1,6})(?:分机|分機|号|號)?[)\]]?",
    re.IGNORECASE,
)
_LAST_GROUP = re.compile(r"(.*[0-9)])\s*+[-–—/(]\s*+([0-9]{1,6})\)?", re.DOTALL)
_RUN_OF_DIGITS = re.compile(r"(?<![0-9A-Za-z_.@+])\+?[0-9(][0-9() .·–—-]*+")
_SEVERAL = re.compile(r"[/,;、|\n]|(?:或者?|和|及|以及|or|and)", re.IGNORECASE)
_SHOWN_MASKED = re.compile(r"\+?[0-9]{7,15}")


@dataclass(frozen=True, slots=True)
class ParsedPhone:
    """What a number field means. `phone` None: withheld, or it cannot be read. `caller` False: a service number, which
    is kept but identifies no caller; or no number. `extension`: digits behind it. `unread`: what could not be read,
    None: nothing."""

    phone: str | None
    raw: str | None
    caller: bool
    extension: str | None = None
    unread: str | None = None

    @property
    def words(self) -> str | None:
        """What was written, where it says more than `phone`: it is kept for the operator who calls back."""
        return self.raw.strip() if self.raw and (self.unread or self.extension) else None


def strip_phone_punctuation(raw: str) -> str:
    """Width folded; invisible marks, blanks, dashes and brackets gone; a number that is spelled out, in digits."""
    plain = "".join(c for c in normalise_text(raw) if c not in "-()·.–—/" and not c.isspace())
    return plain.translate(_SPOKEN) if _HAN_DIGITS.fullmatch(plain) else plain


def is_withheld(raw: str | None) -> bool:
    return raw is None or strip_phone_punctuation(sip_user(normalise_text(raw).strip())).casefold() in WITHHELD


def sip_user(text: str) -> str:
    """The number or name in a SIP or tel address; any other text as it is."""
    found = _SIP.search(text) or _ON_AN_ADDRESS.fullmatch(text)
    if found is None:
        return text
    user = next((part for part in found.groups() if part is not None), "")
    rest = text[found.end() :].lower()
    extension = rest.removeprefix(";ext=").partition(";")[0].rstrip(">") if rest.startswith(";ext=") else ""
    return f"{user};ext={extension}" if extension.isdigit() else user


def split_extension(text: str) -> tuple[str, str] | None:
    """The number and its extension, where the text ends in a word or sign for one: 转802, ext. 802, #802."""
    starts = [m for m in _EXTENSION.finditer(text) if m.end() == len(text)]
    return (text[: starts[0].start()], starts[0][1]) if starts else None


def split_last_group(text: str) -> tuple[str, str] | None:
    """The number and what could be its extension: the last group of digits, as in 0731-88880000-802."""
    found = _LAST_GROUP.fullmatch(text)
    return (found[1], found[2]) if found else None


def number_candidates(text: str) -> Iterator[str]:
    """What could be a number in a field that is more than one: its parts, then every run of digits between words."""
    if "@" in text:
        return
    for part in _SEVERAL.split(text):
        if part.strip():
            yield part.strip()
    for run in _RUN_OF_DIGITS.finditer(text):
        yield run[0].strip()
    yield from text.split()


def is_service_number(digits: str) -> bool:
    """A number that sends or answers for an organisation, never a caller: 12345, 010-12345, 10086, 1008611, 95598,
    106…, 116114, 1010…, 400 and 800 numbers."""
    if digits in _SHORT:
        return True
    if not digits.isascii() or not digits.isdigit():
        return False
    return (
        (digits.startswith("106") and 8 <= len(digits) <= 20)
        or (digits.startswith(("12", "10", "11")) and 5 <= len(digits) <= 7)
        or (digits.startswith(("95", "96")) and 5 <= len(digits) <= 7)
        or (digits.startswith(("1010", "95105")) and len(digits) == 8)
        or _AFTER_AREA_CODE.fullmatch(digits) is not None
        or (digits.startswith("95") and 10 <= len(digits) <= 12)
        or (digits.startswith(("400", "800")) and len(digits) == 10)
    )


def mask_phone(phone: str | None) -> str | None:
    """138****8000: enough to distinguish two callers, too little to call one. What is not digits alone, such as a
    number with an extension, is masked whole."""
    if phone is None:
        return None
    if not _SHOWN_MASKED.fullmatch(phone):
        return "*" * min(len(phone), 7)
    national = phone[3:] if phone.startswith("+86") else phone.lstrip("+")
    if len(national) < 7:
        return "*" * len(national)
    return f"{national[:3]}{'*' * (len(national) - 7)}{national[-4:]}"


def caller_id(phone: str, secret: bytes) -> LookupDigest:
    """The id of the caller behind a number. It follows from the number, so that writing needs no look-up, and from the
    server's look-up key, so that the number cannot be found by trying."""
    return LookupDigest([_caller_id(phone, key) for key in lookup_keys(secret)])


def _caller_id(phone: str, key: bytes) -> str:
    return str(UUID(bytes=hmac.digest(key, b"caller" + phone.encode(), "sha256")[:16], version=5))


def detached_caller_id(known_as: str, secret: bytes) -> str | None:
    """What takes the place of a caller's id whose number is not kept any more: the same for the same id, and nothing
    that the key it was made with tells. None: it was not made with a key."""
    if UUID(known_as).version != 5:
        return None
    return str(UUID(bytes=hmac.digest(lookup_key(secret), b"detached" + known_as.encode(), "sha256")[:16], version=3))
