"""The description of the HTTP API against a running server, by schemathesis: no internal error, nothing that is not described.

Two runs with a fixed seed: questions of a visitor, and of a steward with a key. What they would change stays as it is: GET only.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import httpx
import pytest
from interop_region import Region

import clients

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"


@pytest.mark.parametrize("login", ["", "steward"])
def test_every_answer_is_described(region: Region, login: str, tmp_path: Path) -> None:
    httpx.get(
        f"{region.base}/openapi.json", timeout=300, trust_env=False
    ).raise_for_status()  # it is made for who asks first
    program = clients.python().with_name("schemathesis")
    words = ["--checks", CHECKS, "--phases", "fuzzing", "--max-examples", "1", "--seed", "7", "--mode", "all"]
    words += ["--include-method", "GET", "--continue-on-failure", "--generation-database", "none", "--no-color"]
    if login:
        words += ["--header", f"Authorization: Bearer {region.key(login)}"]
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [str(program), "run", f"{region.base}/openapi.json", *words],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=environment, timeout=500,
    )  # fmt: skip
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested, done.stdout[-2000:] + done.stderr[-500:]
    assert int(tested[1]) > 150
    assert done.returncode == 0, done.stdout[:6000]
