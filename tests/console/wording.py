"""What is wrong with a text that people read: a code, an id, a raw time, an empty value, a word of another language."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hotline.locales import LANGUAGES, text_keys, translate

# English words that Chinese readers use as they are, and what is named so everywhere
ALLOWED = frozenset(
    [
        "OIDC",
        "URL",
        "JSON",
        "API",
        "IP",
        "ID",
        "QR",
        "HTTPS",
        "HTTP",
        "GPS",
        "PIN",
        "SMS",
        "JPG",
        "PNG",
        "PDF",
        "CSV",
        "XLSX",
        "MB",
        "Open311",
        "WGS84",
        "Webhook",
        "ISO",
        "Chromium",
        "Chrome",
        "HeadlessChrome",
        "Linux",
        "Lines",
        "lines",
        "WeChat",
        "Ctrl",
        "Alt",
        "Shift",
        "Esc",
        "Enter",
        "Tab",
        "Backspace",
        "EN",
        "English",
        "F1",
        "UTC",
        "GMT",
        "Asia",
        "Shanghai",
        "h5",
    ]
)
CODE = re.compile(r"(?<![\w@/.-])(?:[a-z]+_[a-z_]+|[a-z]+(?:-[a-z0-9]+)+|[a-z]+\d+)(?![\w@/.-])")
UUID = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-|\b[0-9a-f]{16,}\b|\b[0-9a-hjkmnp-tv-z]{20,}\b|\b[A-HJKMNP-TV-Z0-9]{26}\b"
)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
EMPTY = re.compile(r"\b(?:undefined|null|NaN)\b|\[object |\{\w+\}|Invalid Date")
ENGLISH = re.compile(r"[A-Za-z][A-Za-z0-9'’]+")
HAN = re.compile(r"[\u4e00-\u9fff]+")
KEYS = re.compile(
    r"\b(?:" + "|".join(sorted({re.escape(key.split(".")[0]) for key in text_keys()})) + r")\.[a-z_0-9.]+\b"
)
READ = """() => {
  const found = [];
  const from = (root) => {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const holder = node.parentElement;
      if (!holder || holder.closest("script, style, template, pre.raw, .language, .languages, kbd, [data-raw]")) continue;
      const text = node.data.trim();
      if (text) found.push([holder.closest("[lang]")?.lang ?? "", `${holder.tagName.toLowerCase()}.${holder.className?.baseVal ?? holder.className}`, text]);
    }
    for (const each of root.querySelectorAll("[title], [aria-label], [placeholder], [alt], optgroup[label], [aria-roledescription]"))
      if (!each.closest("[data-raw]")) for (const name of ["title", "aria-label", "placeholder", "alt", "label"]) {
        const text = each.getAttribute(name);
        if (text) found.push(["", `${each.tagName.toLowerCase()}[${name}]`, text]);
      }
  };
  from(document.body);
  found.push(["", "title", document.title]);
  return found;
}"""


def writable(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def is_foreign(character: str, language: str) -> bool:
    """Whether a character belongs to the other written form alone."""
    if language == "zh-Hant":
        return not writable(character, "big5")
    return not writable(character, "gb2312") and writable(character, "big5")


@dataclass
class Data:
    """What people typed and how the organisation named its things: in whatever language they chose."""

    han: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    whole: str = ""
    codes: frozenset[str] = frozenset()
    named: list[str] = field(default_factory=list)  # names of the directory: they stand in sentences of a page

    def add(self, text: str, *, typed: bool = False) -> None:
        if typed or text not in OF_CATALOGUE:
            self.whole += f"\n{text}"
            self.words.update(ENGLISH.findall(text))

    def holds(self, run: str) -> bool:
        return run in self.whole


OF_CATALOGUE = {translate(key, language) for key in text_keys() for language in LANGUAGES}
TYPED = frozenset(
    [
        "name",
        "name_en",
        "title",
        "narrative",
        "address",
        "basis",
        "source",
        "text",
        "public_reply",
        "internal_result",
        "reply",
        "login",
        "url",
        "description",
        "body",
        "words",
        "note",
        "performer",
        "assignee",
        "final_word",
        "told",
        "device",
        "ask",
        "tell",
        "names",
        "aliases",
    ]
)


def typed_of(value: Any, key: str = "") -> Iterator[str]:
    """What stands in a reply under the names of what people type."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from typed_of(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from typed_of(each, key)
    elif isinstance(value, str) and key in TYPED:
        yield value


def faults_of(text: str, language: str, data: Data) -> Iterator[str]:
    """What is wrong with a text that people read."""
    if EMPTY.search(text):
        yield "empty value"
    if INSTANT.search(text):
        yield "raw time"
    if UUID.search(text) and text not in data.whole:
        yield "id"
    if KEYS.search(text) and text not in data.whole:
        yield "untranslated key"
    if text in data.whole:
        return
    for code in CODE.findall(text):
        if code in data.codes or "_" in code or (language != "en" and not data.holds(code)):
            yield f"code {code}"
    if language == "en":
        if any(not data.holds(run) for run in HAN.findall(text)):
            yield "Chinese"
        return
    english = [w for w in ENGLISH.findall(text) if w not in ALLOWED and w not in data.words]
    if english:
        yield f"English {' '.join(english[:6])}"
    for name in data.named:
        text = text.replace(name, " ")
    foreign = [run for run in HAN.findall(text) if any(is_foreign(c, language) for c in run) and not data.holds(run)]
    if foreign:
        yield f"other script {' '.join(foreign[:4])}"
