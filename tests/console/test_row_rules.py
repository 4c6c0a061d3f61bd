"""Row rules on the page of a table: add one, see what it hides, lift it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM

TABLE = "食堂登记"
PAGE = f"/console/tables/{quote(TABLE)}"


@pytest.fixture(scope="module", autouse=True)
def table(office: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Ten canteens, taken in once."""
    path = tmp_path_factory.mktemp("row-rules") / "登记.csv"
    path.write_text("编号,名称\n" + "".join(f"{n},第{n}食堂\n" for n in range(1, 11)), encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=TABLE))
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()


def test_a_steward_adds_and_lifts_a_row_rule_on_the_page(desk: Callable[..., Any], office: Any) -> None:
    steward = desk("steward")
    assert "没有行规则" in steward.get(PAGE).text
    words = {"column": "名称", "op": "in", "value": "第1食堂,第2食堂", "audience": "own", "reason": "试<b>点"}
    answer = steward.post(f"{PAGE}/row-rules", words)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}#row-rules")
    page = steward.get(PAGE).text
    assert "行规则已生效，隐去 8 行。" in page
    assert "试&lt;b&gt;点" in page
    assert re.search(r"本部门 8\s*；", page)
    assert "第2食堂" in page
    assert "第3食堂" not in page, "the preview goes through the gate"
    english = steward.get(f"{PAGE}?lang=en").text
    assert "is one of" in english
    assert "the own department" in english
    rule = office.protection.rules(SYSTEM, TABLE).rules[0].id
    steward.get(f"{PAGE}?lang=zh-CN")
    steward.post(f"{PAGE}/row-rules/{rule}/lift", {"reason": " "})
    assert "解除行规则需要说明理由" in steward.get(PAGE).text
    steward.post(f"{PAGE}/row-rules/{rule}/lift", {"reason": "期满"})
    page = steward.get(PAGE).text
    assert "行规则已解除" in page
    assert "第3食堂" in page


def test_the_page_says_what_is_wrong_with_a_rule(desk: Callable[..., Any], office: Any) -> None:
    steward = desk("steward")
    words = {"column": "名称", "op": "eq", "value": "第1食堂", "reason": "x"}
    for wrong, told in (
        ({"column": "没有这列"}, "没有名为“没有这列”的列"),
        ({"op": "contains", "value": ""}, "请给出要查找的文字"),
        ({"audience": "everyone"}, "没有这种读者"),
        ({"reason": ""}, "说明理由"),
    ):
        assert steward.post(f"{PAGE}/row-rules", {**words, **wrong}).status_code == 303
        assert told in steward.get(PAGE).text
    assert office.protection.rules(SYSTEM, TABLE).rules == ()


def test_who_may_not_rule_gets_no_form_and_no_rule(desk: Callable[..., Any], office: Any) -> None:
    for role in ("bureau_reviewer", "analyst", "org_reviewer", "audit_admin"):
        page = desk(role).get(PAGE)
        assert f"{PAGE}/row-rules" not in page.text, role
        desk(role).post(f"{PAGE}/row-rules", {"column": "名称", "op": "isnull", "reason": "x"})
    assert office.protection.rules(SYSTEM, TABLE).rules == ()
