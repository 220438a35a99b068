"""The shipped nginx file that ends TLS: nginx takes it, serves by it, and logs no query."""

import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.chaos.server import Process
from tests.chaos.test_proxies import running
from tests.conftest import ROOT
from tests.postgres import free_port
from tests.test_serving import certificate


def test_the_shipped_tls_file_is_right_and_serves(tmp_path: Path) -> None:
    if shutil.which("/usr/sbin/nginx") is None:
        pytest.skip("no nginx on this machine")
    chain, key, client = certificate(tmp_path, "proxy")
    http_port, https_port, back = free_port(), free_port(), free_port()
    shipped = (ROOT / "deploy/nginx-tls.conf").read_text()
    for ours, theirs in (
        ("listen 8080", f"listen 127.0.0.1:{http_port}"), ("listen 8443", f"listen 127.0.0.1:{https_port}"),
        ("127.0.0.1:8000", f"127.0.0.1:{back}"), ("/etc/hotline/tls/certificate.pem", str(chain)),
        ("/etc/hotline/tls/key.pem", str(key)), ("/var/log/nginx/access.log", str(tmp_path / "access.log")),
    ):  # fmt: skip
        assert shipped.count(ours) == 1, ours
        shipped = shipped.replace(ours, theirs)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    file = tmp_path / "nginx-tls.conf"
    file.write_text(shipped.replace("http {", f"http {{ {folders}", 1))
    main = f"daemon off; master_process off; pid {tmp_path}/pid; {'user root;' if os.geteuid() == 0 else ''}"
    command = ["/usr/sbin/nginx", "-c", str(file), "-p", str(tmp_path), "-e", str(tmp_path / "error.log"), "-g", main]
    parsed = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert parsed.returncode == 0 and "warn" not in parsed.stderr, parsed.stderr

    process = Process(
        {"HOTLINE_DATA_DIR": str(tmp_path / "data"), "HOTLINE_PUBLIC_URL": f"https://127.0.0.1:{https_port}"},
        tmp_path, port=back,
    )  # fmt: skip
    process.cli("setup")
    process.start()
    try:
        with running(command, https_port), httpx.Client(verify=client, timeout=30) as http:
            inside, outside = f"https://127.0.0.1:{https_port}", f"http://127.0.0.1:{http_port}"
            page = http.get(f"{inside}/console/login")
            assert page.status_code == 200 and len(page.headers.get_list("strict-transport-security")) == 1
            assert http.get(f"{inside}/v1/me").status_code == 401
            assert http.get(f"{inside}/metrics").status_code == 404
            asked = http.get(f"{outside}/console/take?q=13800138000")
            assert asked.status_code == 308 and asked.headers["location"].startswith("https://")
            assert "strict-transport-security" not in asked.headers
            assert http.get(f"{outside}/v1/me").status_code == 403
            refused = http.get(f"{inside}/v1/tickets?q=13800138000")
            assert refused.status_code == 401
    finally:
        process.kill()
    log = (tmp_path / "access.log").read_text()
    assert "/v1/tickets HTTP" in log and "138" not in log.replace(str(https_port), "")
    assert "13800138000" not in "".join((tmp_path / name).read_text() for name in ("out", "err"))
