"""Prove this: the records about a thing for whoever may see the thing, each proved so that the offline verifier accepts it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beijiang.catalog import Entry
from beijiang.evidence import verifier
from beijiang.kit import SYSTEM


@pytest.fixture(scope="module")
def entry(office: Any) -> str:
    made = office.catalog.register(SYSTEM, Entry(name="可证明的目录", provider_id="education"))
    office.catalog.remark(office.access.actor_for_person("a.steward"), made.id, "请看")
    return str(made.id)


def test_each_step_is_proved_and_checked_offline(desk: Callable[..., Any], entry: str, tmp_path: Path) -> None:
    steward = desk("steward")
    page = steward.get(f"/console/prove/entry/{entry}").text
    assert "批注目录" in page
    assert "拟目录" in page
    assert f'href="/console/prove/entry/{entry}"' in steward.get(f"/console/catalog/{entry}").text
    places = re.findall(rf'href="(/console/prove/entry/{entry}/\d+)"', page)
    assert len(places) == 2
    key = re.search(r"--key '([^']+)'", page)
    assert key is not None
    answer = steward.get(places[0])
    assert "receipt.json" in answer.headers["content-disposition"]
    path = tmp_path / "proof.json"
    path.write_bytes(answer.content)
    told: list[str] = []
    assert verifier.main([str(path), "--key", key[1]], told.append) == 0, told
    changed = json.loads(answer.content)
    changed["records"][0]["body"] = changed["records"][0]["body"].replace("catalog.", "catalog_")
    path.write_text(json.dumps(changed), encoding="utf-8")
    assert verifier.main([str(path), "--key", key[1]], told.append) == 1


def test_it_is_verified_in_the_page_in_words(desk: Callable[..., Any], office: Any, entry: str) -> None:
    steward = desk("steward")
    sequence = office.receipts.about(SYSTEM, "entry", entry)[0].sequence
    here = f"/console/prove/entry/{entry}/{sequence}"
    assert f'href="{here}/checked"' in steward.get(f"/console/prove/entry/{entry}?lang=zh-CN").text
    found = office.receipts.checked_about(SYSTEM, "entry", entry, sequence)
    while True:  # the log goes on meanwhile, and its head with it
        page, before = steward.get(f"{here}/checked").text, found
        found = office.receipts.checked_about(SYSTEM, "entry", entry, sequence)
        if found.head == before.head:
            break
    assert found.opened.ok
    assert "成立" in page
    assert "没有改动过一个字" in page
    assert found.head.root.hex() in page
    assert found.commitment in page
    assert 'data-ok="no"' not in page
    assert page.count('data-ok="yes"') == sum(one.ok is True for one in found.opened.findings) >= 2
    english = steward.get(f"{here}/checked?lang=en").text
    assert "it holds" in english
    steward.get(f"{here}/checked?lang=zh-CN")
    assert desk("analyst").get(f"{here}/checked").status_code == 403
    assert steward.get(f"/console/prove/entry/{entry}/999999/checked").status_code == 404
    for kind in ("delivery", "demand", "dispute", "push"):
        assert steward.get(f"/console/prove/{kind}/{entry}").status_code == 404, kind


def test_who_may_not_see_the_thing_sees_no_record_of_it(desk: Callable[..., Any], office: Any, entry: str) -> None:
    here = f"/console/prove/entry/{entry}"
    assert desk("audit_admin").get(here).status_code == 200
    assert desk("bureau_reviewer").get(here).status_code == 200
    assert desk("analyst").get(here).status_code == 403
    for role in ("sys_admin", "member"):
        assert desk(role).get(here).status_code in {403, 404}
    assert desk("steward").get("/console/prove/entry/res_none").status_code == 404
    assert desk("steward").get(f"/console/prove/table/{entry}").status_code == 404
    other = office.catalog.register(SYSTEM, Entry(name="另一条", provider_id="education"))
    first = office.receipts.about(SYSTEM, "entry", other.id)[0].sequence
    assert desk("steward").get(f"{here}/{first}").status_code == 404, "a record about something else is not there"
    asked = desk("steward").client.get(f"/api/v1/evidence/about/entry/{entry}").json()
    assert {one["action"] for one in asked["records"]} == {"catalog.register", "catalog.remark"}
