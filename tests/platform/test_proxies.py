"""Who calls behind a web server in front: whom it names, if the operator trusts it, and nobody else's word."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from nursery import Child, run
from region import environment
from waiting import until

READY = re.compile(r"http://127\.0\.0\.1:\d+")
CALLERS = ("203.0.113.5", "203.0.113.5", "203.0.113.6")


@pytest.mark.parametrize(
    ("trusted", "answers"), [("127.0.0.1", [200, 429, 200]), ("192.0.2.0/24", [200, 429, 429]), ("", [200, 429, 429])]
)
def test_callers_behind_a_trusted_server_are_told_apart(tmp_path: Path, trusted: str, answers: list[int]) -> None:
    settings = {"BEIJIANG_TRUSTED_PROXIES": trusted, "BEIJIANG_VISITOR_CALLS": "1"}
    words = [sys.executable, "-m", "beijiang.cli", "--home", str(tmp_path / "home")]
    assert run([*words, "init"], env=environment(), timeout=300).returncode == 0
    log = tmp_path / "serve.log"
    with log.open("w") as out:
        server = Child(
            [*words, "serve", "--port", "0"], stdout=out, stderr=subprocess.STDOUT, env={**environment(), **settings}
        )

    def address() -> str | None:
        assert server.poll() is None, log.read_text("utf-8")
        found = READY.search(log.read_text("utf-8"))
        return found and found[0]

    until(address)
    with httpx.Client(base_url=address() or "", trust_env=False, timeout=300) as client:
        client.get("/")  # what the first request makes is made
        told = [client.get("/ogc/conformance", headers={"X-Forwarded-For": one}).status_code for one in CALLERS]
    server.send_signal(signal.SIGTERM)
    assert server.wait(240) == 0
    assert told == answers
