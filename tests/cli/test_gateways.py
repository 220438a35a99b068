"""Commands about gateways and the outbox."""

import json
import re
import shlex
from pathlib import Path

import httpx

from tests import fork_server
from tests.chaos.server import Process
from tests.cli.commands import hotline, settings_of
from tests.conftest import ROOT


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
    assert len(said) == 18 and all(len(line) > 60 for line in said), said


def test_messages_that_failed_can_be_seen_and_sent_again(folder: Path) -> None:
    assert hotline(folder, "outbox", "list").stdout == ""
    assert "no such dead" in hotline(folder, "outbox", "retry", "x", code=1).stderr


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
    (folder / "wecom.txt").write_text("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0c1f2b3a\n")
    (folder / "dingtalk.txt").write_text("https://oapi.dingtalk.com/robot/send?access_token=0c1f2b3a\n")
    (folder / "signing.txt").write_text("SEC0c1f2b3a0c1f2b3a\n")
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
