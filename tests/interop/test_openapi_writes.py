"""What changes something, described: schemathesis writes to a copy of the demo region with names of real things.

A visitor, a steward with a key who holds every other role of data too, and the system administrator in a session (no key may do
what they do). Fixed seed, one good and one bad body for each of some four hundred operations.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from real_names import config
from test_openapi import CHECKS

import clients
from beijiang.access import SCOPES, SESSION_COOKIE, KeyDraft, PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import build
from beijiang.kit import SYSTEM
from beijiang.settings import Settings
from beijiang.worker import address_of, listen
from waiting import until

if TYPE_CHECKING:
    from beijiang.build import Platform
    from region import DemoRegion

OWNER = "commerce_admin"
RIGHTS = {
    "steward": frozenset(role for role in Role if not role.is_administrator),
    "administrator": frozenset({Role.SYS_ADMIN}),
}


@pytest.fixture(scope="module")
def written(built_region: DemoRegion, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, str]]:
    """A copy of the demo region and its address; anything may happen to it."""
    folder = tmp_path_factory.mktemp("written")
    shutil.copytree(built_region.home, folder / "home")
    listener = listen("127.0.0.1", 0)
    platform = build(Settings.for_tests(folder, public_url=address_of(listener)))
    server = uvicorn.Server(uvicorn.Config(create_app(platform), log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started)
    httpx.get(f"{address_of(listener)}/openapi.json", timeout=300, trust_env=False).raise_for_status()
    yield platform, address_of(listener)
    server.should_exit = True
    thread.join(90)
    platform.close()


def headers(platform: Platform, address: str, who: str) -> list[str]:
    """Return the words that tell who asks."""
    if who not in RIGHTS:
        return []
    login = f"writes.{sorted(RIGHTS).index(who)}"
    draft = PersonDraft(login=login, name=who, org_id=OWNER, roles=RIGHTS[who])
    person, code = platform.access.add_person(SYSTEM, draft)
    if not draft.roles & {Role.SYS_ADMIN}:
        key = KeyDraft(name=who, scopes=frozenset(map(str, SCOPES)), days=1)
        return ["--header", f"Authorization: Bearer {platform.access.issue_key(person.as_actor(None), key)[1]}"]
    fresh = platform.access.sign_in(login, code, "tests")
    token = platform.access.change_password(fresh.actor, code, "Steppe-under-a-wide-sky-26").token
    told = {"Cookie": f"{SESSION_COOKIE}={token}", "Origin": address, "X-CSRF-Token": platform.access.csrf(token)}
    return [word for name, value in told.items() for word in ("--header", f"{name}: {value}")]


@pytest.mark.parametrize("who", ["visitor", *RIGHTS])
def test_every_answer_to_a_change_is_described(written: tuple[Platform, str], who: str, tmp_path: Path) -> None:
    platform, address = written
    (tmp_path / "schemathesis.toml").write_text(config(platform), encoding="utf-8")
    words = ["--checks", CHECKS, "--phases", "fuzzing", "--max-examples", "1", "--seed", "7", "--mode", "all"]
    words += [
        "--continue-on-failure",
        "--generation-database",
        "none",
        "--no-color",
        "--no-shrink",
        "--request-timeout",
        "60",
    ]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        words += ["--include-method", method]
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [str(clients.python().with_name("schemathesis")), "run", f"{address}/openapi.json", *words, *headers(platform, address, who)],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=environment, timeout=500,
    )  # fmt: skip
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested, done.stdout[-2000:] + done.stderr[-500:]
    assert int(tested[1]) > 350
    assert done.returncode == 0, done.stdout[:6000]
