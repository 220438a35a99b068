"""The command line as a new user meets it: in an empty folder, with nothing but the wheel."""

import dataclasses
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hotline.database.migrations import newest
from hotline.demo import Play
from hotline.importing.mapping import Layout
from hotline.shipped import shipped
from tests import fork_server
from tests.chaos.server import Process
from tests.conftest import ROOT
from tests.postgres import free_port


def hotline(folder: Path, *args: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """The command to its end, by a server that has imported everything."""
    done = fork_server.run([*args], env=settings_of(folder, env), cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def interpreted(folder: Path, *args: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """The same by a new interpreter, as in life."""
    command = [sys.executable, "-m", "hotline.cli", *args]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=settings_of(folder, env),
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


def settings_of(folder: Path, more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "HOTLINE_DATA_DIR": str(folder / "data"), **more}


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as `hotline migrate` leaves it."""
    folder = tmp_path_factory.mktemp("migrated")
    interpreted(folder, "migrate")
    return folder / "data"


@pytest.fixture
def folder(tmp_path: Path, migrated: Path) -> Path:
    shutil.copytree(migrated, tmp_path / "data")
    return tmp_path


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process({"HOTLINE_DATA_DIR": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1"}, tmp_path)
    yield made
    if made.running is not None and made.running.poll() is None:
        made.kill()


def test_run_sets_everything_up_and_the_demo_plays_to_its_end(process: Process) -> None:
    process.imported = False
    process.start("run")
    said = process.said("Stop with")
    password = re.search(r"Password +(\S+)", said)
    assert password and f"http://127.0.0.1:{process.port}/docs" in said
    with httpx.Client(base_url=f"http://127.0.0.1:{process.port}") as http:
        token = http.post("/v1/token", json={"login": "admin", "password": password[1]}).json()["token"]
        docs = http.get("/docs")
        assert docs.status_code == 200
        for link in re.findall(r'(?:src|href)="([^"]+)"', docs.text):
            assert link.startswith(("/", "data:")), link  # nothing is loaded from elsewhere
            assert link.startswith("data:") or http.get(link).status_code == 200
        played = process.cli("demo", "--url", f"http://127.0.0.1:{process.port}")
        assert "128 calls played, no error" in played
        board = http.get("/v1/board", headers={"authorization": f"Bearer {token}"}).json()
        assert board["counts"]["closed"] >= 100 and board["open"] == 3
        keys = http.get("/v1/keys", headers={"authorization": f"Bearer {token}"}).json()["items"]
        assert keys and all(k["revoked_at"] for k in keys)  # the demo leaves no key behind
    assert process.stop() == 0
    before = len((process.folder / "out").read_text())
    process.start("run")
    again = process.said("Stop with", after=before)
    assert "Password" not in again and "as before" in again
    assert process.stop() == 0


def test_the_wheel_works_alone_in_an_empty_folder(tmp_path: Path) -> None:
    built, home, empty = tmp_path / "dist", tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", built, ROOT],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", home, *built.glob("*.whl")],
        check=True,
        capture_output=True,
    )
    env = {"PYTHONPATH": str(home)}
    where = subprocess.run(
        [sys.executable, "-c", "import hotline; print(hotline.__file__)"],
        cwd=empty,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(home) in where.stdout
    assert f"schema: {newest(shipped('migrations'))}" in interpreted(empty, "migrate", **env).stderr
    assert "version 1" in interpreted(empty, "seed", "ruiquan", **env).stderr
    process = Process({"HOTLINE_DATA_DIR": str(empty / "data"), **env}, empty, imported=False)
    process.start()
    assert process.stop() == 0


def test_a_secret_stands_alone_on_standard_output(folder: Path) -> None:
    done = hotline(folder, "key", "create", "gateway", "--role", "gateway")
    assert re.fullmatch(r"hl_[0-9a-f]{16}_\S{43}\n", done.stdout)
    assert done.stdout.strip() not in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("key", "create", "x", "--role", "king"), "unknown role: king"),
        (("key", "create", "x", "--role", "handler"), "a handler needs a department"),
        (("user", "add", "x", "--name", "X", "--role", "operator"), "10-200 characters"),
        (("seed", "nowhere"), "no seed at nowhere"),
        (("demo", "--url", "http://127.0.0.1:9"), "no server at"),
        (("migrate", "9999"), "9999"),
    ],
)
def test_a_wrong_command_says_what_is_wrong_without_a_traceback(args: tuple[str, ...], said: str, folder: Path) -> None:
    done = hotline(folder, *args, code=1, HOTLINE_PASSWORD="short")
    assert said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    done = hotline(tmp_path, "migrate", code=1, HOTLINE_PORT="many", HOTLINE_SECRET="short")
    assert "HOTLINE_PORT" in done.stderr and "HOTLINE_SECRET" in done.stderr and "short" not in done.stderr
    done = hotline(tmp_path, "migrate", code=1, HOTLINE_DATABASE_URL="mysql://x/y")
    assert "must begin with sqlite" in done.stderr


def test_serving_a_database_that_is_behind_is_refused(tmp_path: Path) -> None:
    done = interpreted(tmp_path, "serve", code=1)
    assert "hotline migrate" in done.stderr


def test_a_person_is_added_with_a_password_from_standard_input(folder: Path) -> None:
    process = Process({"HOTLINE_DATA_DIR": str(folder / "data")}, folder)
    process.cli("user", "add", "li", "--name", "李敏", "--role", "operator", input="correct horse 9\n")
    assert re.fullmatch(r"\S{16}", process.cli("user", "password", "li", input="\n"))


def test_a_seed_that_is_not_right_says_where_and_keeps_nothing(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    own = folder / "own"
    own.mkdir()
    (own / "routes.csv").write_text("code,lead,category\nr-a,nobody,za\nr-b,water\n", encoding="utf-8")
    done = hotline(folder, "seed", str(own), code=1)
    assert "routes.csv" in done.stderr
    (own / "routes.csv").write_text(f"code,lead,category\nr-a,{'x' * 140_000},za\n", encoding="utf-8")
    assert "routes.csv cannot be read" in hotline(folder, "seed", str(own), code=1).stderr
    (own / "routes.csv").write_text("code,lead,category\nr-a,nobody,za-suggest\n", encoding="utf-8")
    done = hotline(folder, "seed", str(own), code=1)
    assert "routes.r-a.lead: unknown department: nobody" in done.stderr
    (own / "routes.csv").write_text("code,lead,category,area\nr-a,water,za,rq-b1\n", encoding="utf-8")
    assert "version 2" in hotline(folder, "seed", str(own)).stderr
    assert "version 2" in hotline(folder, "seed", str(own)).stderr  # the same again changes nothing


def test_the_machines_are_printed_in_each_form(folder: Path) -> None:
    assert "received" in hotline(folder, "lifecycle").stdout
    assert hotline(folder, "lifecycle", "--format", "mermaid").stdout.startswith("stateDiagram-v2")
    assert json.loads(hotline(folder, "lifecycle", "--format", "json").stdout)["ticket"]["first"] == "received"
    hotline(folder, "lifecycle", "--format", "music", code=2)
    assert "HOTLINE_DATABASE_URL" in hotline(folder, "settings").stdout


def test_messages_that_failed_can_be_seen_and_sent_again(folder: Path) -> None:
    assert hotline(folder, "outbox", "list").stdout == ""
    assert "no such dead" in hotline(folder, "outbox", "retry", "x", code=1).stderr


def test_a_years_notice_is_imported_whole_or_not_at_all(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    day = {"name": "元旦", "date": "2027-01-01", "isOffDay": True}
    (folder / "2027.json").write_text(json.dumps({"year": 2027, "days": [day, {**day, "date": "2026-02-30"}]}))
    refused = hotline(folder, "calendar", "import", "2027.json", code=1).stderr
    assert "days.1: a date" in refused and "nothing is changed" in refused
    (folder / "2027.json").write_text(json.dumps({"year": 2026, "days": [{**day, "date": "2026-01-01"}]}))
    assert "named for 2027" in hotline(folder, "calendar", "import", "2027.json", code=1).stderr
    (folder / "2027.json").write_text("{")
    assert "cannot read" in hotline(folder, "calendar", "import", "2027.json", code=1).stderr
    (folder / "2027.json").write_text(json.dumps({"year": 2027, "days": [day]}))
    assert "no calendar mars" in hotline(folder, "calendar", "import", "2027.json", "--calendar", "mars", code=1).stderr
    said = hotline(folder, "calendar", "import", "2027.json", "--year", "2027").stderr
    assert "announced to 2027-12-31; directory version 2" in said
    assert "look again: the notice has 1 days; a whole year's has about thirty" in said
    again = hotline(folder, "calendar", "import", "2027.json").stderr
    assert "already says what the notice says; directory version 2" in again and "nothing is changed" in again
    assert "counted anew" in said and "counted anew" not in again


def test_a_dry_run_of_a_notice_warns_as_the_import_does(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    (folder / "next.json").write_text(the_notice(2027, "2027-01-01"))
    dry, real = (hotline(folder, "calendar", "import", "next.json", *more).stderr for more in (["--dry-run"], []))
    warned = [[line for line in said.splitlines() if line.startswith("look again")] for said in (dry, real)]
    assert warned[0] == warned[1] == ["look again: the notice has 1 days; a whole year's has about thirty"]
    assert "nothing is changed" in dry and "directory version 2" in real
    (folder / "two.json").write_text(the_notice(2026, "2026-01-01", "2026-05-01"))
    dry, asked = (
        hotline(folder, "calendar", "import", "two.json", *more, code=code).stderr
        for more, code in ((["--dry-run"], 0), ([], 2))
    )
    for said in (dry, asked):
        assert "look again: the calendar had 39 days of 2026, the notice has 2" in said
        assert "37 announced days would be removed and 0 changed" in said and "--replace" in said


def the_notice(year: int, *days: str) -> str:
    listed = [{"name": "节", "date": day, "isOffDay": True} for day in days]
    return json.dumps({"year": year, "papers": ["https://www.gov.cn"], "days": listed})


def test_announced_days_are_not_removed_without_being_asked(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    (folder / "two.json").write_text(the_notice(2026, "2026-01-01", "2026-05-01"))
    asked = hotline(folder, "calendar", "import", "two.json", code=2)
    assert "37 announced days would be removed" in asked.stderr and "--replace" in asked.stderr
    assert "- 2026-10-01  off -> an ordinary day  国庆节" in asked.stdout
    assert "nothing is changed" in hotline(folder, "calendar", "import", "two.json", "--dry-run").stderr
    (folder / "next.json").write_text(the_notice(2027, "2026-12-31", "2027-01-01"))
    added = hotline(folder, "calendar", "import", "next.json")
    assert "+ 2026-12-31  an ordinary day -> off  节" in added.stdout and "directory version 2" in added.stderr
    replaced = hotline(folder, "calendar", "import", "two.json", "--replace")
    assert "2026-12-31" not in replaced.stdout and "directory version 3" in replaced.stderr
    (folder / "shorter.json").write_text(the_notice(2027, "2027-01-01"))
    assert "1 announced days would be removed" in hotline(folder, "calendar", "import", "shorter.json", code=2).stderr


def test_a_file_that_is_no_notice_is_told_by_name(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    for content in (b"[" * 100_000, b"\xff\xfe", b'{"year": 2026, "year": 2027, "days": []}', b""):
        (folder / "odd.json").write_bytes(content)
        said = hotline(folder, "calendar", "import", "odd.json", code=1).stderr
        assert "cannot read odd.json" in said and "Traceback" not in said


def test_the_guide_to_importing_does_what_it_says(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    text = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    (folder / "moving").mkdir()
    mapping, cases = (
        re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0],
        re.findall(r"```csv\n(.*?)```", text, re.DOTALL)[0],
    )
    (folder / "moving" / "mapping.json").write_text(mapping, encoding="utf-8")
    (folder / "cases.csv").write_text(cases, encoding="utf-8")
    commands = re.findall(r"^hotline (import .*?)  +#", text, re.MULTILINE)
    dry, real = (hotline(folder, *shlex.split(command), code=1) for command in commands)
    assert "would take in: 2" in dry.stdout and "taken in: 2" in real.stdout
    assert "refused: row 2: 办结时间: not a moment as" in real.stdout and "13800138000" not in real.stdout
    repaired = (folder / "repair.csv").read_text(encoding="utf-8-sig").replace("T01:00:00", " 01:00:00")
    (folder / "repair.csv").write_text(repaired, encoding="utf-8")
    assert "taken in: 1" in hotline(folder, "import", "repair.csv", "--mapping", "moving").stdout
    again = hotline(folder, "import", "cases.csv", "--mapping", "moving").stdout
    assert "taken in: 0; known from before: 3; refused: 0" in again
    fields = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", text, re.MULTILINE)
    told = {name for cell in fields for name in re.findall(r"`(\w+)`", cell)}
    assert told == {field.name for field in dataclasses.fields(Layout)}, "docs/importing.md"


def test_an_import_that_cannot_begin_changes_nothing(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    text = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    mapping, cases = re.findall(r"```(?:json|csv)\n(.*?)```", text, re.DOTALL)
    (folder / "moving").mkdir()
    (folder / "moving" / "departments.csv").write_text("code,name,name_en,kind\nnew,新,New,office\n", encoding="utf-8")
    wrong = [
        (mapping.replace("Asia/Shanghai", "Mars/Base"), cases, "zone: unknown time zone"),
        (mapping.replace('"withdrawn"', '"cancelled"'), cases, "status.values.已撤回: one of"),
        (mapping.replace('"phone"', '"fone"'), cases, "fone: unknown field"),
        (f"[{mapping}]", cases, "not well formed"),
        (mapping, cases.replace("答复", "回复"), "reply: no column '答复' in the file"),
        (mapping, cases.replace("微信", "状态", 1), "stands 2 times in the heading"),
        (mapping, "PK\x03\x04" + cases, "save the table as CSV"),
    ]
    for its_mapping, its_cases, said in wrong:
        (folder / "moving" / "mapping.json").write_text(its_mapping, encoding="utf-8")
        (folder / "cases.csv").write_text(its_cases, encoding="utf-8")
        done = hotline(folder, "import", "cases.csv", "--mapping", "moving", code=2)
        assert said in done.stderr and "Traceback" not in done.stderr, said
    several = {'"phone"': '"fone"', "Asia/Shanghai": "Mars/Base", '"withdrawn"': '"cancelled"', '"csv"': '"CSV"'}
    of_all = mapping
    for right, wrong_word in several.items():
        of_all = of_all.replace(right, wrong_word)
    (folder / "moving" / "mapping.json").write_text(of_all, encoding="utf-8")
    told = hotline(folder, "import", "cases.csv", "--mapping", "moving", code=2).stderr
    assert {line.split(":")[0].strip() for line in told.splitlines() if line.startswith("  ")} == {
        "fone", "zone", "status.values.已撤回", "format", "cases.csv",
    }  # fmt: skip
    (folder / "moving" / "mapping.json").write_text(mapping.replace('"phone"', '"fone"'), encoding="utf-8")
    (folder / "cases.csv").write_text(cases.replace("答复", "回复"), encoding="utf-8")
    told = hotline(folder, "import", "cases.csv", "--mapping", "moving", code=2).stderr
    assert "fone: unknown field" in told and "reply: no column '答复' in the file" in told
    (folder / "moving" / "mapping.json").write_text(mapping, encoding="utf-8")
    (folder / "cases.csv").write_text(cases, encoding="utf-8")
    for args in (["none.csv"], ["cases.csv", "--rejected", "none/r.csv"], ["cases.csv", "--refused", "moving"]):
        done = hotline(folder, "import", *args, "--mapping", "moving", code=2)
        assert "no file at" in done.stderr or "cannot be written: nothing was taken in" in done.stderr
    assert "directory: version 1" in hotline(folder, "seed", "ruiquan").stderr  # no department came with it either


def test_seeding_again_tells_what_it_replaces_and_the_doctor_makes_no_house(folder: Path, tmp_path: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    assert "replaced" not in hotline(folder, "seed", "ruiquan").stderr
    assert "replaced: house/house" in hotline(folder, "seed", "liucheng").stderr
    elsewhere = str(tmp_path / "elsewhere")
    said = hotline(folder, "doctor", code=1, HOTLINE_DATA_DIR=elsewhere).stderr
    assert "no database at" in said and not Path(elsewhere).exists()
    assert (
        "no password given" in hotline(folder, "user", "add", "x", "--name", "x", "--role", "operator", code=1).stderr
    )


def test_the_doctor_says_what_is_wrong_and_leaves_with_one(folder: Path) -> None:
    empty = hotline(folder, "doctor", code=1).stdout
    assert "WRONG  directory" in empty and "没有机构数据" in empty and "heartbeat: no address set" in empty
    hotline(folder, "seed", "ruiquan")
    well = json.loads(hotline(folder, "doctor", "--format", "json").stdout)
    assert well["well"] and {f["check"] for f in well["findings"]} >= {"clocks", "ladders", "durability", "duty"}
    unreachable = hotline(folder, "doctor", code=1, HOTLINE_HEARTBEAT_URL="http://127.0.0.1:9/beat").stdout
    assert "WRONG  heartbeat" in unreachable  # nobody takes it: that too is told
    hotline(folder, "migrate", "0001", "--lose-data")
    assert "WRONG  schema" in hotline(folder, "doctor", code=1).stdout


def test_a_gateway_is_added_changed_and_removed(folder: Path) -> None:
    added = hotline(folder, "gateway", "add", "far", "--provider", "generic", "--secret", "secret")
    made = re.search(r"secret: (whsec_\S+)", added.stdout)
    assert made and "/v1/hooks/sms/far" in added.stdout and "HOTLINE_PUBLIC_URL" in added.stdout + added.stderr
    refused = hotline(folder, "gateway", "add", "city", "--provider", "hotline_12345", "--secret", "secret=no", code=1)
    assert "whsec_" in refused.stderr and "secrets.secret" in refused.stderr
    odd = hotline(
        folder, "gateway", "add", "pbx", "--provider", "cti", "--secret", "token", "--set", 'agents=["x"]', code=1
    )
    assert "settings.agents" in odd.stderr
    listed = [json.loads(line) for line in hotline(folder, "gateway", "list").stdout.splitlines()]
    assert [g["name"] for g in listed] == ["far"] and made[1] not in str(listed)
    hotline(folder, "gateway", "set", "far", "--secret", "secret", "--drop", f"secret={made[1]}")
    wrong = hotline(folder, "gateway", "set", "far", "--drop", f"secret={made[1]}", code=1)
    assert "no such value" in wrong.stderr
    hotline(folder, "gateway", "remove", "far")
    assert hotline(folder, "gateway", "list").stdout == ""


def test_every_provider_says_what_it_needs(folder: Path) -> None:
    said = hotline(folder, "gateway", "providers").stdout.splitlines()
    assert len(said) == 15 and all(len(line) > 60 for line in said), said


def test_a_message_is_dropped_with_a_reason_and_can_be_taken_up_again(process: Process) -> None:
    process.cli("migrate")
    process.cli("seed", "ruiquan")
    key = process.cli("key", "create", "desk", "--role", "operator")
    process.start()
    call = {"channel": "phone", "narrative": "3栋电梯坏了", "caller": {"phone": "13800138000"}}
    made = httpx.post(
        f"http://127.0.0.1:{process.port}/v1/calls", json=call, headers={"authorization": f"Bearer {key}"}, timeout=20
    )
    assert made.status_code == 201
    process.stop()

    def listed(status: str) -> dict[str, str]:
        rows = map(json.loads, process.cli("outbox", "list", "--status", status).splitlines())
        return {row["id"]: row["last_error"] for row in rows}

    message = next(iter(listed("queued")))
    process.cli("outbox", "drop", message, "--reason", "told by telephone")
    assert message not in listed("queued") and "told by telephone" in listed("dropped")[message]
    process.cli("outbox", "retry", message)
    assert message in listed("queued") and listed("dropped") == {}


def test_the_commands_of_the_guide_to_channels_do_what_it_says(folder: Path) -> None:
    """All but the one that asks a provider."""
    (folder / "sendsms.txt").write_text("a-password-of-the-far-side\n")
    text = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
    lines = [line.partition("  #")[0] for line in text.replace("\\\n", " ").splitlines()]
    commands = [c.strip() for line in lines if line.startswith("hotline gateway ") for c in line.split(" ; ")]
    commands = [c for c in commands if " reconcile " not in c]
    assert len(commands) >= 8
    for command in commands:
        words = shlex.split(command.replace("auth_token=OLD", "auth_token=the-first-token"))[1:]
        typed = "the-second-token" if " set tw --secret" in command else "the-first-token"
        done = fork_server.run(words, env=settings_of(folder, {}), cwd=folder, text=f"{typed}\n")
        assert done.returncode == 0, (command, done.stderr)


def test_the_demo_looks_again_where_the_clock_was_quicker(tmp_path: Path) -> None:
    asked: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.headers.get("if-match")))
        if request.method == "GET":
            return httpx.Response(200, json={"number": "100000006", "version": 7})
        late = request.headers["if-match"] != '"7"'
        return httpx.Response(412 if late else 200, json={"number": "100000006", "version": 8})

    play = Play(httpx.Client(transport=httpx.MockTransport(answer), base_url="http://hotline"), "key", print)
    play.keys["desk"] = ("1", "key")
    done = play.act("desk", {"number": "100000006", "version": 6}, "urge", reason="again")
    assert done["version"] == 8
    assert asked == [("POST", '"6"'), ("GET", None), ("POST", '"7"')]


def test_a_way_down_that_loses_data_is_refused_with_the_counts(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    secret = "secret"
    hotline(folder, "gateway", "add", "far", "--provider", "generic", "--secret", secret)
    refused = hotline(folder, "migrate", "0002", code=1).stderr
    assert "--lose-data" in refused and "gateway: 1 rows would be lost" in refused and "Traceback" not in refused
    assert "far" in hotline(folder, "gateway", "list").stdout  # nothing has happened
    assert "schema: 0002" in hotline(folder, "migrate", "0002", "--lose-data").stderr


def test_an_old_program_says_that_the_database_is_newer(folder: Path) -> None:
    """As after an upgrade by newer code: a revision this program has never heard of."""

    def stands_at(revision: str, oldest_code: str) -> None:
        with sqlite3.connect(folder / "data" / "hotline.db") as line:
            line.execute("UPDATE alembic_version SET version_num = ?", (revision,))
            line.execute("UPDATE schema_compatibility SET oldest_code = ?", (oldest_code,))

    known = newest(shipped("migrations"))
    truth = f"the database is at revision 9001, newer than this program (knows up to {known})"
    stands_at("9001", "9001")
    for command in (("serve", "--port", str(free_port())), ("work",), ("migrate",), ("migrate", "0004"), ("setup",)):
        said = hotline(folder, *command, code=1).stderr
        assert truth in said and "start the newer program" in said, (command, said)
        assert "Traceback" not in said and "hotline migrate" not in said
    assert truth in hotline(folder, "doctor", code=1).stdout
    stands_at("9001", known)  # newer code that ours may run beside
    assert truth in hotline(folder, "migrate").stderr
    assert truth in hotline(folder, "migrate", "0004", code=1).stderr
    process = Process({"HOTLINE_DATA_DIR": str(folder / "data")}, folder)
    process.cli("seed", "ruiquan")
    process.start()
    assert process.stop() == 0
