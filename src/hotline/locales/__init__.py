"""The texts people read, by key, in every language: gettext catalogues, read by the standard library.

A key is stable and says where a text stands: `action.accept`, `status.closed`. The texts themselves are in
`<locale>/LC_MESSAGES/hotline.po`; `make locales` compiles them. A catalogue is read when a
text of it is first asked for.
"""

from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations
from importlib.resources import files
from typing import IO

__all__ = ["LANGUAGES", "bilingual", "keys", "labels", "negotiated", "pair", "text"]

LANGUAGES = ("zh-Hans", "zh-Hant", "en")
_LOCALES = {"zh-Hans": "zh_Hans", "zh": "zh_Hans", "zh-Hant": "zh_Hant", "en": "en"}
_TRADITIONAL = ("hant", "tw", "hk", "mo")


class _Catalogue(GNUTranslations):
    """A catalogue that can be listed."""

    messages: Mapping[str, str]

    def _parse(self, fp: IO[bytes]) -> None:  # type: ignore[override]
        super()._parse(fp)
        self.messages = {key: text for key, text in vars(self)["_catalog"].items() if key}


@cache
def _messages(locale: str) -> Mapping[str, str]:
    with (files(__name__) / locale / "LC_MESSAGES" / "hotline.mo").open("rb") as compiled:
        return _Catalogue(compiled).messages


def translate(key: str, language: str, **values: object) -> str:
    """A text in one of LANGUAGES, or in `zh`, which is simplified Chinese; its placeholders are filled where values are
    given. Raises KeyError where the key or the language is unknown."""
    found = _messages(_LOCALES[language])[key]
    return found.format_map(values) if values else found


@cache
def translate_pair(key: str) -> tuple[str, str]:
    """A text in simplified Chinese and in English, as replies hold it. Raises KeyError."""
    return translate(key, "zh-Hans"), translate(key, "en")


def bilingual(key: str, **values: object) -> dict[str, str]:
    """A text as notices carry it: `text` in English, `text_zh` in simplified Chinese. Raises KeyError."""
    return {"text": translate(key, "en", **values), "text_zh": translate(key, "zh-Hans", **values)}


def text_keys(prefix: str = "") -> list[str]:
    """The keys that begin with the prefix, in alphabetical order."""
    return sorted(key for key in _messages("en") if key.startswith(prefix))


def negotiate_language(accepted: str) -> str:
    """The first language of an `Accept-Language` header that there is a catalogue for, else simplified Chinese."""
    for wish in accepted.lower().split(","):
        tag = wish.partition(";")[0].strip()
        if tag.startswith("zh"):
            return "zh-Hant" if any(part in tag for part in _TRADITIONAL) else "zh-Hans"
        if tag.startswith("en"):
            return "en"
    return "zh-Hans"
