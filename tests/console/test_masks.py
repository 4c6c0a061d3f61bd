"""Masks on the page of a table: choose one, see it, go back to the default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM

TABLE = "教师登记"
PAGE = f"/console/tables/{quote(TABLE)}"


@pytest.fixture(scope="module", autouse=True)
def table(office: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Ten teachers with telephones, taken in once."""
    path = tmp_path_factory.mktemp("masks") / "登记.csv"
    path.write_text("编号,手机号码\n" + "".join(f"{n},138000000{n:02d}\n" for n in range(1, 11)), encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=TABLE))
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()


def test_a_steward_chooses_a_mask_and_goes_back(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    page = steward.get(PAGE).text
    assert "各列都按默认脱敏" in page
    assert "138****0001" in page
    words = {"column": "手机号码", "function": "keep", "parameters": "prefix=0， suffix=2", "reason": "只<b>需尾号"}
    answer = steward.post(f"{PAGE}/masks", words)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}#masks")
    page = steward.get(PAGE).text
    assert "keep(prefix=0, suffix=2)" in page
    assert "只&lt;b&gt;需尾号" in page
    assert "****01" in page
    assert "138****0001" not in page
    steward.post(f"{PAGE}/masks", {**words, "parameters": "prefix=1"})
    assert "的参数不对" in steward.get(PAGE).text
    steward.post(f"{PAGE}/masks", {**words, "function": "pseudonym", "parameters": ""})
    page = steward.get(PAGE).text
    assert "可能弱于默认" in page
    assert "****01" not in page
    assert "HMAC-SM3" in steward.get(f"{PAGE}?lang=en").text
    steward.get(f"{PAGE}?lang=zh-CN")
    steward.post(f"{PAGE}/masks/drop", {"column": "手机号码", "reason": "期满"})
    assert "138****0001" in steward.get(PAGE).text


def test_who_may_not_choose_gets_no_form(desk: Callable[..., Any], office: Any) -> None:
    before = len(office.protection.masks(SYSTEM, TABLE))
    for role in ("bureau_reviewer", "analyst", "audit_admin"):
        assert f"{PAGE}/masks" not in desk(role).get(PAGE).text
        desk(role).post(f"{PAGE}/masks", {"column": "编号", "function": "suppress", "reason": "x"})
    assert len(office.protection.masks(SYSTEM, TABLE)) == before


def test_the_release_check_on_the_page(desk: Callable[..., Any], office: Any) -> None:
    steward = desk("steward")
    page = steward.get(PAGE).text
    assert "发布检查" in page
    assert "还没有报告" in page
    columns = [c.name for c in office.tables.get(SYSTEM, TABLE).columns]
    words = {"column": columns, "role": ["quasi" if c == "编号" else "" for c in columns], "reason": "测<b>试"}
    steward.post(f"{PAGE}/release-roles", words)
    page = steward.get(PAGE).text
    assert "声明已保存" in page
    assert "准标识符" in page
    steward.post(f"{PAGE}/release-check", {})
    assert "没有无条件开放或共享的数据项" in steward.get(PAGE).text
    assert office.releases.roles(SYSTEM, TABLE).roles == {"编号": "quasi"}
    for role in ("bureau_reviewer", "audit_admin"):
        desk(role).post(f"{PAGE}/release-roles", {**words, "role": ["" for _ in columns]})
    assert office.releases.roles(SYSTEM, TABLE).roles == {"编号": "quasi"}
    steward.get(f"{PAGE}?lang=en")
    assert "Release check" in steward.get(PAGE).text
    steward.get(f"{PAGE}?lang=zh-CN")
