"""What is not a phone number of a person: short codes, service senders, withheld numbers. E.164 parsing itself is a
library's."""

import unicodedata

WITHHELD = frozenset(
    {"", "anonymous", "withheld", "private", "unknown", "unavailable", "restricted", "匿名", "未知", "保密"}
)
_SHORT = frozenset({"110", "119", "120", "122", "12110", "999", "112"})


def plain(raw: str) -> str:
    """Width folded, blanks, dashes and brackets gone."""
    return "".join(c for c in unicodedata.normalize("NFKC", raw).strip() if c not in " -()\u3000.·–—/")


def is_withheld(raw: str | None) -> bool:
    return raw is None or plain(raw).casefold() in WITHHELD


def is_service(digits: str) -> bool:
    """A number that sends or answers for an organisation, never a caller: 12345, 95598, 106…, 116114."""
    if digits in _SHORT:
        return True
    if not digits.isdigit():
        return False
    return (
        (digits.startswith("106") and 8 <= len(digits) <= 20)
        or (digits.startswith(("12", "10", "11")) and len(digits) in (5, 6))
        or (digits.startswith(("95", "96")) and 5 <= len(digits) <= 8 and len(digits) != 8)
    )


def masked(phone: str | None) -> str | None:
    """138****8000: enough to tell two callers apart, too little to ring one."""
    if phone is None:
        return None
    national = phone[3:] if phone.startswith("+86") else phone.lstrip("+")
    if len(national) < 7:
        return "*" * len(national)
    return f"{national[:3]}{'*' * (len(national) - 7)}{national[-4:]}"
