"""Every text there is, is used; every text that is used, is there: in three written languages."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hotline.console.pages import PAGES
from hotline.console.rendering import static_files
from hotline.locales import LANGUAGES, negotiate_language, text_keys, translate, translate_pair
from hotline.locales.labels import label_pair
from hotline.open311.model import PUBLIC_STEPS
from hotline.open311.service_requests import step_name
from hotline.organisation.model import vocabulary
from hotline.security_log.vocabulary import EventSubject
from hotline.tickets.guards import GUARDS
from hotline.tickets.model import vocabulary as ticket_vocabulary
from hotline.tickets.model.visibility import PUBLIC_ACTIONS
from hotline.web.rule_texts import rule_of_error, translate_rule
from tests.conftest import ROOT
from tests.contract.source import tree_of
from tools import catalogues

CONSOLE = ROOT / "src/hotline/console"
PAGES_OF_RESIDENTS = ROOT / "src/hotline/public"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def test_the_catalogues_are_complete_and_compiled() -> None:
    assert catalogues.faults() == []
    assert len(catalogues.asked()) > 200, "the reader of the source has lost its way"


def test_what_an_event_of_the_security_log_is_about_has_a_name() -> None:
    """Whoever reads the log is shown it."""
    kinds = set()
    for path in (ROOT / "src/hotline").rglob("*.py"):
        source = tree_of(path)
        if not any(isinstance(node, ast.Name) and node.id == "SecurityEvent" for node in ast.walk(source)):
            continue
        for node in ast.walk(source):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SecurityEvent":
                given = [*node.args[3:4], *(k.value for k in node.keywords if k.arg == "about")]
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                given = [node.value] if node.targets[0].id in ("about", "found", "who") else []
            else:
                continue
            pairs = [pair for one in given for pair in ast.walk(one) if isinstance(pair, ast.Tuple)]
            firsts = [pair.elts[0] for pair in pairs if len(pair.elts) == 2]
            kinds |= {first.value for first in firsts if isinstance(first, ast.Constant) and first.value}
    assert len(kinds) > 6, "the reader of the source has lost its way"
    assert kinds <= set(EventSubject)
    assert {f"subject.{kind}" for kind in EventSubject} <= set(text_keys("subject."))


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The catalogues in a folder of their own, to be spoilt."""
    shutil.copytree(ROOT / "src/hotline/locales", tmp_path / "locales")
    folders = {language: tmp_path / "locales" / folder.name for language, folder in catalogues.LOCALES.items()}
    monkeypatch.setattr(catalogues, "LOCALES", folders)
    return tmp_path / "locales"


@pytest.mark.parametrize(
    "spoilt",
    [
        [
            ("en", 'msgid "app.close"', 'msgid "app.shut"', ["en: app.close is missing", "en: app.shut is used nowhere"]),
            ("zh_Hant", 'msgid "figures.by.day"', 'msgid "figures.by.year"',
             ["zh-Hant: figures.by.day is missing", "zh-Hant: figures.by.year is in no other"]),
            ("zh_Hans", 'msgid "status.closed"', 'msgid "status.shut"', ["zh-Hans: status.closed is missing"]),
            ("zh_Hans", '"待补充"', '""', ["zh-Hans: status.awaiting_info has no text"]),
            ("zh_Hans", '"在办 {open}', '"在办 {opened}', ["zh-Hans: board.counts has other placeholders"]),
            ("zh_Hans", "#. English: Accept\n", "#, fuzzy\n", ["zh-Hans: action.accept is marked fuzzy"]),
        ],
        [("zh_Hans", '"待补充"', '"等待补充"', ["zh-Hans: hotline.mo is out of date"])],
        [("zh_Hans", "#. English: Accept\n", "", ["zh-Hans: hotline.po is not as `make locales` writes it"])],
    ],
    ids=["what is told of one text", "a text that was not compiled", "a comment that is gone"],
)  # fmt: skip
def test_the_check_finds(copies: Path, spoilt: list[tuple[str, str, str, list[str]]]) -> None:
    for locale, before, after, _ in spoilt:
        source = copies / locale / "LC_MESSAGES/hotline.po"
        whole = source.read_text(encoding="utf-8")
        assert before in whole
        source.write_text(whole.replace(before, after, 1), encoding="utf-8")
    found = catalogues.faults()
    for said in (said for *_, all_said in spoilt for said in all_said):
        assert any(fault.startswith(said) for fault in found), (said, found)
    assert len(spoilt) > 1 or len(found) == 1, found


def test_an_update_adds_what_is_asked_for_and_drops_what_nobody_uses(copies: Path) -> None:
    source = copies / "en/LC_MESSAGES/hotline.po"
    whole = source.read_text(encoding="utf-8")
    source.write_text(whole.replace('msgid "app.close"', 'msgid "app.shut"', 1), encoding="utf-8")
    catalogues.update()
    assert catalogues.faults() == ["en: app.close has no text"]


SAID = {
    "hotline": ("瑞泉馨城24365热线", "Ruiquan 24365"), "number": ("100000006",) * 2, "code": ("482913",) * 2, "department": ("物业工程部", "Property works"),
    "promised": ("5月20日18时", "20 May 18:00"), "reason": ("配件缺货", "parts missing"), "reply": ("已更换水泵，供水恢复", "pump replaced"),
    "review": ("6月20日", "20 Jun"), "channel": ("人民法院", "the court"), "until": ("5月20日18:00", "20 May 18:00"),
    "parent": ("100000014",) * 2, "status": ("办理中", "in progress"), "incident": ("100009",) * 2, "ended": ("5月20日18:00", "20 May 18:00"),
    "limit": ("5月20日18:00", "20 May 18:00"), "numbers": ("110/119/120",) * 2, "do": ("",) * 2,  # an emergency that names no danger; what to do in one takes more
}  # fmt: skip
TO_STAFF = {"duty", "escalation"}
TWO_SEGMENTS = {"solved"}  # the scale of the rating stands in it whole


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_to_a_resident_is_one_segment(language: str) -> None:
    """70 UCS-2 characters, or 160 of GSM-7; 67 and 153 of each where there are two."""
    place, one, each = (1, 160, 153) if language == "en" else (0, 70, 67)
    values = {name: said[place] for name, said in SAID.items()}
    long = {}
    for key in text_keys("message_template."):
        name = key.partition(".")[2]
        if name not in TO_STAFF:
            text = translate(key, language, **values)
            most = 2 * each if name in TWO_SEGMENTS else one
            if len(text) > most or (language == "en" and not text.isascii()):
                long[name] = len(text)
    assert long == {}


def test_traditional_texts_are_quoted_and_named_as_where_they_are_read() -> None:
    for key in text_keys():
        said = translate(key, "zh-Hant")
        assert not re.search("[“”]|登錄|掛賬|後台|丟失|默認", said), key
        foreign = [c for c in said if CHINESE.match(c) and not key.startswith(("language.", "account.language."))]
        assert "".join(foreign).encode("big5", "ignore").decode("big5") == "".join(foreign), key
    assert not [
        key for key in text_keys() if re.search("分派员|施工单位|提取码|走访|当场答复", translate(key, "zh-Hans"))
    ]


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant"])
def test_no_text_says_a_word_twice_in_a_row(language: str) -> None:
    """Also of what is put into it: the limit of a policy is named by its metric."""
    metrics = [translate(key, language) for key in text_keys("metric.")]
    for key in text_keys():
        said = translate(key, language)
        filled = [said.replace("{metric}", metric) for metric in metrics] if "{metric}" in said else [said]
        for text in filled:
            assert not re.search(r"([\u4e00-\u9fff]{2,})\1", text), (key, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_written_in_its_language(language: str) -> None:
    for key in text_keys():
        said = translate(key, language)
        assert said.strip(), key
        if language == "en" and not key.startswith(("language.", "account.language.")):
            assert not CHINESE.search(said), key
    assert any(
        translate(key, "zh-Hans") != translate(key, "zh-Hant") for key in text_keys()
    )  # traditional is not simplified


def test_no_page_and_no_code_holds_a_text_of_its_own() -> None:
    for file in (
        path for folder in (CONSOLE, PAGES_OF_RESIDENTS) for kind in ("*.html", "*.js") for path in folder.rglob(kind)
    ):
        plain = re.sub(r"(?m)//.*$|\{#.*?#\}", "", file.read_text(encoding="utf-8"))
        assert not CHINESE.search(plain), file.name
    others = {  # words that are read, words of another system, laws, examples of the documentation, demo data
        "text/normalisation.py", "text/simplified.py", "text/charsets.py", "text/phones.py", "text/timestamps.py",
        "text/pinyin.py", "text/sounds.py", "text/personal.py", "organisation/schemas/second_factors.py", "triage/model/segments.py", "triage/model/titles.py",
        "triage/model/danger/judging.py", "triage/model/danger/questions.py",
        "triage/model/danger/surroundings.py", "triage/model/danger/times.py", "triage/model/follow_up.py",
        "triage/model/enquiries.py",
        "sms/model/requests.py", "sms/model/keywords.py",
        "organisation/model/working_time.py", "organisation/service/notice_files.py", "sms/providers/aliyun.py", "sms/providers/huawei.py", "sms/providers/tencent.py", "partners/platforms/hotline_12345.py", "application.py",
        "tickets/schemas/actions.py", "tickets/schemas/calls.py", "organisation/schemas/accounts.py", "tickets/schemas/explain.py",
        "tickets/schemas/duplicates.py",
        "organisation/schemas/duty.py", "organisation/schemas/duty_feeds.py", "organisation/service/password_strength.py", "incidents/schemas.py", "demo.py", "demo_history.py",
        "triage/model/households.py", "triage/model/places/estate_words.py",
        *(f"triage/model/places/{name}.py" for name in ("cues", "forms", "grammar", "numerals", "parts", "words")),
    }  # fmt: skip
    found: set[str] = set()
    for file in (ROOT / "src/hotline").rglob("*.py"):
        tree = tree_of(file)
        documented = {id(n.body[0].value) for n in ast.walk(tree) if isinstance(n, DOCUMENTED) and ast.get_docstring(n)}
        for node in ast.walk(tree):
            said = node.value if isinstance(node, ast.Constant) and id(node) not in documented else None
            if isinstance(said, str) and CHINESE.search(said):
                found.add(file.relative_to(ROOT / "src/hotline").as_posix())
    assert found == others


def test_every_text_that_the_code_asks_for_is_there() -> None:
    asking = {"translate", "translate_pair", "bilingual"}
    asked = {
        node.args[0].value
        for file in (ROOT / "src/hotline").rglob("*.py")
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) in asking
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(asked) > 25 and asked <= set(text_keys()), asked - set(text_keys())


def test_every_step_the_public_is_told_of_has_its_words() -> None:
    assert set(text_keys("public_action.")) == {f"public_action.{action}" for action in PUBLIC_ACTIONS}
    assert all(step_name(action) for action in PUBLIC_STEPS)


def test_words_that_are_spelt_alike_keep_their_own_labels() -> None:
    assert label_pair(ticket_vocabulary.TicketStatus.DISPATCHED) == translate_pair("status.dispatched")
    assert label_pair(vocabulary.Starts.DISPATCHED) == translate_pair("starts.dispatched")
    assert (
        label_pair(ticket_vocabulary.Action.REPORT)
        == translate_pair("action.report")
        != label_pair(vocabulary.Kind.REPORT)
    )


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "zh-Hans"), ("fr, en;q=0.5", "en"), ("zh-TW,en", "zh-Hant"), ("zh-HK", "zh-Hant"), ("zh", "zh-Hans"),
        ("zh-Hant-CN", "zh-Hant"), ("EN-gb", "en"), ("*", "zh-Hans"), (",;,", "zh-Hans"),
    ],
)  # fmt: skip
def test_a_reader_gets_the_first_language_we_have(accepted: str, language: str) -> None:
    assert negotiate_language(accepted) == language


def test_the_help_reads_no_catalogue_and_nothing_needs_babel() -> None:
    looks = (
        "import sys; from typer.testing import CliRunner; from hotline.cli import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; assert 'hotline.locales' not in sys.modules; "
        "import hotline.application, hotline.console.app; assert 'babel' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", looks], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def modules_of(name: str) -> set[str]:
    """A module and every module that is loaded with it."""
    found: set[str] = set()
    left = [name]
    while left:
        if (one := left.pop()) not in found and one in static_files():
            found.add(one)
            left += re.findall(
                r'^import (?:.* from )?"\./([a-z_]+\.js)";', static_files()[one][0].decode(), re.MULTILINE
            )
    return found


def test_the_pages_are_small_and_ask_for_nothing_elsewhere() -> None:
    for name, (data, packed, _) in static_files().items():
        assert b"http://" not in data.replace(b"http://www.w3.org", b"") and b"https://" not in data.replace(
            b'"https://"', b""
        ), name
        assert len(packed) < 30_000, name
    for page in PAGES:
        names = {"console.css", f"{page.name}.css", *modules_of(f"{page.name}.js")} & static_files().keys()
        for language in LANGUAGES:
            texts = (f"words.{language}.json", *([f"reasons.{language}.json"] if "reasons.js" in names else []))
            sent = sum(len(static_files()[name][1]) for name in (*names, *texts))
            assert sent < 80_000, (page.name, language, sent)  # a second on a slow phone, once: browsers keep them
    for template in (CONSOLE / "templates").glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*(?:src=|application/json))", text), template.name
        assert " style=" not in text and not re.search(r"\son[a-z]+=", text), template.name


def test_a_page_is_as_dark_by_choice_as_by_the_device() -> None:
    """Older browsers know no `light-dark()`: the dark colours stand twice."""
    tokens = static_files()["tokens.css"][0].decode()
    chosen, device = re.findall(r"color-scheme: dark;\n(.*?)\n\}", tokens, re.DOTALL)
    assert chosen == device and chosen.count("--") > 30


def rules_of_the_source() -> set[str]:
    """Every rule that our own code says was broken, its holes filled."""
    found: set[str] = set()

    def filled(node: ast.expr) -> str | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.JoinedStr):
            return "".join(str(v.value) if isinstance(v, ast.Constant) else "x1" for v in node.values)
        return None

    def pairs(node: ast.AST) -> Iterator[ast.expr]:
        yield from (m.elts[1] for m in ast.walk(node) if isinstance(m, ast.Tuple) and len(m.elts) == 2)

    validation = "organisation/model/validation.py"
    # what these raise is said of a field
    raising = {validation, "organisation/model/items.py", "tickets/schemas/calls.py", "web/field_types.py"}
    for file in (ROOT / "src/hotline").rglob("*.py"):
        place = file.relative_to(ROOT / "src/hotline").as_posix()
        gathered = (
            {"errors"} if place.startswith("importing/") else {"errors", "faults"}
        )  # that one speaks to a terminal
        for node in ast.walk(tree_of(file)):
            said: list[ast.expr] = []
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name == "ItemError":
                    said += node.args[3:4]
                if name == "PatternError":
                    said += node.args[:1]
                if name == "ValueError" and place in raising:
                    said += node.args[:1]
                said += [rule for k in node.keywords if k.arg == "errors" for rule in pairs(k.value)]
                if name == "append" and getattr(getattr(node.func, "value", None), "id", "") in gathered:
                    said += [rule for given in node.args for rule in pairs(given)]
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
                said += [node.value.elts[1]] if place == validation else []
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {getattr(target, "id", "") for target in targets}
                if "errors" in names or "GUARDS" in names:
                    said += pairs(node.value)
                if "rule" in names or any(name.endswith("_RULE") for name in names):
                    said.append(node.value)
            found |= {text for text in map(filled, said) if text}
    return found


def test_every_broken_rule_is_told_in_chinese_too() -> None:
    said = rules_of_the_source()
    assert len(said) > 175, "the reader of the source has lost its way"
    assert sorted(rule for rule in said if translate_rule(rule) is None) == []
    source = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "src/hotline").rglob("*.py"))
    for key in text_keys("rule."):
        english = translate(key, "en")
        if not english.startswith(("String should", "List should", "Input should", "Value should")):
            longest = max(re.split(r"\{\w+\}", english), key=len)  # Pydantic's own sentences apart
            assert longest in source.replace('\\"', '"'), f"{key}: nobody says so"


class Form(BaseModel):
    text: str = Field("ok", min_length=2, max_length=4, pattern="^[a-z]+$")
    number: int = Field(5, ge=1, le=9)
    above: float = Field(5, gt=1, lt=9)
    words: list[str] = Field(["a"], min_length=1, max_length=2)
    yes: bool = True
    many: dict[str, str] = {}
    one: Literal["a", "b"] = "a"
    level: vocabulary.Level = vocabulary.Level.BLUE
    model_config = ConfigDict(extra="forbid")


@pytest.mark.parametrize(
    "body",
    [
        {"text": "a"}, {"text": "abcde"}, {"text": "AB"}, {"text": 3}, {"number": "x"}, {"number": 0}, {"number": 10},
        {"number": 1.5}, {"above": 1}, {"above": 9}, {"above": "x"}, {"words": []}, {"words": ["a"] * 3}, {"words": 1},
        {"yes": "perhaps"}, {"many": 1}, {"one": "c"}, {"level": "c"}, {"other": 1},
    ],
)  # fmt: skip
def test_what_the_reader_of_forms_finds_is_told_in_chinese_too(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as wrong:
        Form.model_validate(body)
    for error in wrong.value.errors():
        rule = rule_of_error(error["type"], error["msg"])
        said = translate_rule(rule)
        assert said is not None, rule
        details = {*vocabulary.Level, "true", "false"}  # what may stand there is told as it is written
        assert [w for w in re.findall(r"[A-Za-z]{4,}", said[0]) if w not in details] == [], said[0]


def test_what_is_said_of_a_rule_keeps_its_details() -> None:
    assert translate_rule("unknown area: rq-b99") == ("没有此区域：rq-b99", "沒有此區域：rq-b99")
    assert translate_rule("quite another matter") is None
    for _, said in GUARDS.values():
        assert translate_rule(said) is not None, said
