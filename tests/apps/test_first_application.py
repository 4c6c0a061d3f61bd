"""The tutorial is true: its files are written and its commands run, in its order, on a home with its table."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from asking import ORIGIN
from fastapi.testclient import TestClient
from test_enterprises import TABLE, Market, made_up, write

import nursery
from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import build
from beijiang.catalog import OpenType, ResourceEdit, ShareType
from beijiang.kit import SYSTEM
from beijiang.platform import Platform
from beijiang.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorials" / "build-your-first-application.md"
FENCE = re.compile(r"^(`{3,})(\w+)( fails)?\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
SAVE = re.compile(r"Save as\s+`([^`]+)`:\s*\Z")
PASSWORD = "Steppe-under-a-wide-sky-26"


def region(home: Path) -> None:
    """Make a home with the people and the open table of the tutorial."""
    built = build(Settings(home=home, argon2_memory_kib=64, argon2_rounds=1))
    built.first_start()
    built.jobs.start_worker()
    for login, org, role in (
        ("steward.commerce_admin", "commerce_admin", Role.STEWARD),
        ("reviewer", "bigdata", Role.BUREAU_REVIEWER),
        ("publisher", "bigdata", Role.BUREAU_PUBLISHER),
    ):
        draft = PersonDraft(login=login, name=f"{login}某", org_id=org, roles=frozenset({role}))
        _, code = built.access.add_person(SYSTEM, draft)
        built.access.change_password(built.access.sign_in(login, code, "tests").actor, code, PASSWORD)
    write(Market(built, built.access.actor_for_person("steward.commerce_admin")), [made_up(n) for n in range(40)])
    publish(built)
    built.close()


def publish(built: Platform) -> None:
    people = {
        login: built.access.actor_for_person(login) for login in ("reviewer", "publisher", "steward.commerce_admin")
    }
    found = built.catalog.resource_for_table(TABLE)
    assert found is not None
    assert found.table == TABLE
    edit = ResourceEdit(
        share_type=ShareType.UNCONDITIONAL, open_type=OpenType.UNCONDITIONAL, licence="CC-BY-4.0", update_cycle="4"
    )
    built.catalog.edit(people["steward.commerce_admin"], found.id, edit)
    built.catalog.submit(people["steward.commerce_admin"], found.id)
    built.catalog.approve(people["reviewer"], found.id)
    built.catalog.publish(people["publisher"], found.id)


def run(line: str, home: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [str(home) if word == "HOME" else word for word in shlex.split(line)]
    assert words.pop(0) == "beijiang"
    own = {name: value for name, value in os.environ.items() if not name.startswith("BEIJIANG_")}
    environment = {**own, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"}
    return nursery.run([sys.executable, "-m", "beijiang.cli", *words], cwd=folder, env=environment)


@pytest.mark.timeout(600)
def test_the_page_ends_in_an_application_that_everybody_opens(tmp_path: Path) -> None:
    home, text = tmp_path / "home", PAGE.read_text(encoding="utf-8")
    region(home)
    told = []
    for fence in FENCE.finditer(text):
        _, kind, fails, content = fence.groups()
        named = SAVE.search(text[: fence.start()])
        if named:
            (tmp_path / named[1]).write_text(content, encoding="utf-8")
            continue
        assert kind == "sh"
        for line in content.splitlines():
            if "switch" in line:
                opened(home)
            done = run(line, home, tmp_path)
            assert done.returncode == (1 if fails else 0), f"{line}\n{done.stdout}\n{done.stderr}"
            told.append(done.stdout + done.stderr)
    assert "40" in told[1], "the first preview counts the rows"
    assert "has no English" in told[2]
    assert "pages/overview.md, line" in told[2]
    assert len(told) == 9
    built = build(Settings(home=home))
    with TestClient(create_app(built)) as visitor:
        assert visitor.get("/apps/first-app/overview").status_code == 404, "it is switched off at the end"
    built.close()


def opened(home: Path) -> None:
    built = build(Settings(home=home, public_url=ORIGIN))
    built.apps.patience = 300.0
    with TestClient(create_app(built)) as visitor:
        assert "各盟市企业" in visitor.get("/apps").text
        page = visitor.get("/apps/first-app/overview", params={"league": "包头市"})
        assert page.status_code == 200
        assert ">8<" in page.text
        rows = visitor.get("/api/v1/apps/first-app/data/leagues").json()["rows"]
        assert sum(row["户数"] for row in rows) == 40
    built.close()
