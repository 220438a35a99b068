"""A real Kannel on loopback: bearerbox, smsbox and a handset behind a fake SMSC, as ordinary processes in a folder."""

import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from tests.postgres import free_port

FAKESMSC = Path("/usr/lib/kannel/test/fakesmsc")
PASSWORD = "a-password-of-sendsms"
TOKEN = "a-token-that-kannel-has"


def present() -> bool:
    return all((shutil.which("bearerbox"), shutil.which("smsbox"), FAKESMSC.exists()))


class Kannel:
    """`start`, `kill` and `stop` of each box by name; `send` and `inbox` of the handset."""

    def __init__(self, folder: Path, hook: str) -> None:
        folder.mkdir()
        self.folder = folder
        self.admin, self.boxes, self.smsc, self.sendsms = (free_port() for _ in range(4))
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        get_url = f"{hook}?token={TOKEN}&from=%p&to=%P&id=%I&smsc=%i&ts=%T&coding=%c&charset=%C&udh=%u&text=%b"
        (folder / "kannel.conf").write_text(
            f"""group = core
admin-port = {self.admin}
admin-interface = 127.0.0.1
admin-password = test
smsbox-port = {self.boxes}
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
box-deny-ip = "*.*.*.*"
dlr-storage = internal
store-type = file
store-location = "{folder}/kannel.store"

group = smsc
smsc = fake
smsc-id = FAKE
port = {self.smsc}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {self.sendsms}
sendsms-interface = 127.0.0.1
http-request-retry = 1000
http-queue-delay = 1
http-timeout = 15
mo-recode = true
reply-couldnotfetch = ""
reply-couldnotrepresent = ""
reply-requestfailed = ""
reply-emptymessage = ""

group = sendsms-user
username = hotline
password = {PASSWORD}
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
omit-empty = true
get-url = "{get_url}"
"""
        )
        os.mkfifo(folder / "keys")
        self._keys: int | None = None

    def start(self, *names: str) -> None:
        for name in names or ("bearerbox", "smsbox", "handset"):
            with (self.folder / f"{name}.out").open("ab") as out:
                command, keys = [str(shutil.which(name)), "kannel.conf"], subprocess.DEVNULL
                if name == "handset":
                    if self._keys is None:  # both ends: at an end of input it would abort
                        self._keys = os.open(self.folder / "keys", os.O_RDWR)
                    command = [str(FAKESMSC), "-H", "127.0.0.1", "-r", str(self.smsc), "-i", "0.01"]
                    keys = self._keys
                self.running[name] = subprocess.Popen(command, cwd=self.folder, stdin=keys, stdout=out, stderr=out)
            self._until_ready(name)

    def _until_ready(self, name: str) -> None:
        until = time.monotonic() + 20
        wanted = {"bearerbox": "Status:", "smsbox": "smsbox:", "handset": "FAKE"}[name]
        while time.monotonic() < until:
            status = self.status()
            if name == "bearerbox" and wanted in status:
                return
            if name == "smsbox" and re.search(r"smsbox:\S*, IP", status):
                return
            if name == "handset" and re.search(r"FAKE\S* +FAKE:\d+ \(online", status):
                return
            assert self.running[name].poll() is None, (self.folder / f"{name}.out").read_text()[-2000:]
            time.sleep(0.05)
        raise AssertionError(f"{name} did not get ready: {self.status()}")

    def status(self) -> str:
        try:
            address = f"http://127.0.0.1:{self.admin}/status.txt?password=test"
            return str(urllib.request.urlopen(address, timeout=2).read().decode())
        except OSError:
            return ""

    def kill(self, *names: str) -> None:
        for name in names:
            self.running[name].kill()
            self.running[name].wait()

    def stop(self, *names: str) -> None:
        for name in names:
            self.running[name].send_signal(signal.SIGTERM)
            self.running[name].wait(timeout=20)

    def send(self, text: str, sender: str = "+8613800138000", receiver: str = "12345") -> None:
        """The handset writes."""
        assert self._keys is not None
        words = quote(text.encode("utf-16-be"))
        os.write(self._keys, f"{sender} {receiver} ucs2 {words}\n".encode())

    def asked_in_vain(self) -> int:
        """How often smsbox could not bring us a text."""
        return (self.folder / "smsbox.out").read_text(errors="replace").count("Couldn't fetch")

    def inbox(self) -> list[str]:
        """Every text that reached the handset, parts put together."""
        raw = (self.folder / "handset.out").read_text(errors="replace")
        whole: list[dict[int, str]] = []
        going_on: dict[str, dict[int, str]] = {}
        for line in re.findall(r"Got message \d+: <(.*)>", raw):
            reference, part, text = _read(line)
            if not reference or part in going_on.get(reference, {part: ""}):  # a restarted Kannel counts anew
                going_on[reference] = {}
                whole.append(going_on[reference])
            going_on[reference][part] = text
        return ["".join(parts[n] for n in sorted(parts)) for parts in whole]

    def close(self) -> None:
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        if self._keys is not None:
            os.close(self._keys)


def _read(line: str) -> tuple[str, int, str]:
    """`from to [udh …] data|text payload`: (reference of a long text, part, words). Chinese comes as UTF-16BE."""
    words = line.split(" ")
    kind = next(k for k in ("data", "ucs-2", "text") if k in words)
    place = words.index(kind)
    raw = unquote_to_bytes(" ".join(words[place + 1 :]).replace("+", " "))
    text = raw.decode("utf-8" if kind == "text" else "utf-16-be", "replace")
    udh = unquote_to_bytes(words[words.index("udh") + 1]) if "udh" in words else b""
    return (udh[3:4].hex(), udh[5], text) if len(udh) >= 6 else ("", 1, text)
