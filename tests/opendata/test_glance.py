"""What a data set's page answers at a glance: quality with reasons, arrivals against the promise, changes, and gaps with a next step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from beijiang.access import Role
from beijiang.kit import ANONYMOUS, Actor, ActorKind, Invalid, NotFound
from beijiang.opendata import GapCode
from beijiang.opendata.glance import calendar
from beijiang.opendata.glance.gaps import NEXT_STEPS
from beijiang.quality import Kind, RuleDraft
from beijiang.tables import TableVersion, WriteMode

if TYPE_CHECKING:
    from conftest import Portal

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def portal(own_portal: Portal) -> Portal:
    """Firms once more, with a rule of quality: three rows changed, two new."""
    steward = Actor("person_steward", "steward", ActorKind.PERSON, "market", frozenset({str(Role.STEWARD)}))
    rule = RuleDraft(name="内部规则名", kind=Kind.NOT_NULL, columns=("备注",), threshold=0.5)
    own_portal.platform.quality.add(steward, "企业登记信息", rule)
    moved = [replace(one, city="乌海市") for one in own_portal.firms[:3]]
    own_portal.take_firms_in("企业3.csv", [*moved, own_portal.firm(300), own_portal.firm(301)])
    return own_portal


def test_changes_between_two_versions_are_counted_and_shown_through_the_gate(portal: Portal) -> None:
    found = portal.json(portal.api("firms", "/changes"))
    assert found["rows"] == {"added": 2, "changed": 3, "removed": 0}
    assert (found["before"]["rows"], found["after"]["rows"]) == (300, 302)
    assert [(c["column"], c["change"], c["rows"]) for c in found["columns"]] == [("盟市", "values", 3)]
    added = [one["row"] for one in found["sample"] if one["change"] == "added"]
    assert {row["企业名称"] for row in added} == {portal.firm(300).name, portal.firm(301).name}
    changed = [one for one in found["sample"] if one["change"] == "changed"]
    assert len(changed) == 3
    assert all(one["columns"] == ["盟市"] and one["row"]["盟市"] == "乌海市" for one in changed)
    assert [gap["code"] for gap in found["gaps"]] == ["earlier_values"]
    assert not {"联系手机", "公民身份号码"} & set(added[0])


def test_what_is_not_open_stays_away_from_quality_and_changes(portal: Portal) -> None:
    secret = [
        value for i in range(302) for one in (portal.firm(i),) for value in (one.phone, one.citizen, one.representative)
    ]
    for rest in ("/quality", "/changes", "/changes?before=1&after=2"):
        text = portal.get(portal.api("firms", rest)).text
        assert not [value for value in secret if value in text]
        assert "联系手机" not in text
        assert "内部规则名" not in text
    for tab in ("/quality", "/compare"):
        text = portal.page(f"/datasets/{portal.ids['firms']}{tab}")
        assert not [value for value in secret if value in text]
        assert "内部规则名" not in text


def test_an_older_pair_has_counts_and_says_why_no_rows_are_shown(portal: Portal) -> None:
    found = portal.json(portal.api("firms", "/changes"), before=1, after=2)
    assert found["rows"] == {"added": 50, "changed": 0, "removed": 0}
    assert found["sample"] == []
    assert [gap["code"] for gap in found["gaps"]] == ["not_current"]


def test_versions_that_are_not_there_or_swapped_are_told(portal: Portal) -> None:
    glance = portal.platform.glance
    with pytest.raises(NotFound, match="Choose two"):
        glance.changes(ANONYMOUS, portal.ids["firms"], 1, 99)
    with pytest.raises(Invalid, match="swap the two"):
        glance.changes(ANONYMOUS, portal.ids["firms"], 3, 2)
    with pytest.raises(NotFound):
        glance.changes(ANONYMOUS, portal.ids["closed"], None, None)
    answers = [portal.get(portal.api("closed", rest)).json()["error"] for rest in ("/changes", "/rows")]
    assert answers[0]["code"] == answers[1]["code"] == "no_open_rows"


def test_the_score_has_its_reasons_in_counts(portal: Portal) -> None:
    good = portal.json(portal.api("firms", "/quality"))["quality"]
    assert good["version"] == 3
    parts = {part["code"]: part for part in good["dimensions"]}
    reason = next(r for r in parts["02"]["reasons"] if r["code"] == "0201")
    missing = sum(portal.firm(i).remark is None for i in range(302))
    assert (reason["checked"], reason["bad"]) == (302, missing)
    assert parts["02"]["plain"]["zh"] == "有没有缺漏"
    page = portal.page(f"/datasets/{portal.ids['firms']}/quality")
    assert f">{good['score']}<" in page
    assert "GB/T 36344" in page


def test_every_gap_has_its_code_and_its_next_step(portal: Portal) -> None:
    assert set(NEXT_STEPS) == set(GapCode)
    codes = {name: [g["code"] for g in portal.json(portal.api(name, "/quality"))["gaps"]] for name in portal.ids}
    assert codes == {
        "firms": ["column_masked", "column_withheld"],
        "towers": ["not_scored"],
        "closed": ["closed"],
    }
    page = portal.page(f"/datasets/{portal.ids['closed']}", "en")
    assert "Ask for it to be opened" in page
    assert "<code>closed</code>" in page
    assert portal.json(portal.api("closed", "/quality"))["quality"] is None


def test_the_page_answers_at_a_glance(portal: Portal) -> None:
    page = portal.page(f"/datasets/{portal.ids['firms']}")
    for words in ("新不新", "好不好", "变了什么", "谁负责", "与上一版比较", "数据管理科"):
        assert words in page
    assert '<span class="n">+2</span>' in page
    compare = portal.page(f"/datasets/{portal.ids['firms']}/compare", "en")
    assert "Rows are matched by 统一社会信用代码" in compare
    assert compare.count("<mark>乌海市</mark>") == 3


def test_the_terminal_says_the_same(portal: Portal) -> None:
    from beijiang.opendata.commands import data

    commands = data(lambda: portal.platform.opendata, lambda: portal.platform.glance)
    told = CliRunner().invoke(commands, ["changes", portal.ids["firms"]])
    assert "v2 → v3: +2 ~3 -0" in told.output, told.output
    told = CliRunner().invoke(commands, ["quality", portal.ids["firms"]])
    assert "column_masked" in told.output, told.output


def version(number: int, at: datetime, mode: WriteMode = WriteMode.APPEND) -> TableVersion:
    return TableVersion("t", number, at, "", "", mode, 1, 1, 0, 0, 1, "", (), None, "", {})


def test_the_calendar_holds_arrivals_against_the_promise(portal: Portal) -> None:
    weekly = portal.platform.standards.update_cycle("3")
    start = datetime(2026, 9, 1, 17, tzinfo=UTC)  # the 2nd in the region
    days = (0, 7, 18, 25)
    came = [version(n + 1, start + timedelta(days=d)) for n, d in enumerate(days)]
    tidied = version(5, start + timedelta(days=26), WriteMode.COMPACT)
    found = calendar([tidied, *reversed(came)], weekly, date(2026, 10, 1), ZONE)
    assert [(a.version, a.late) for a in found.arrivals] == [(4, 0), (3, 4), (2, 0), (1, None)]
    assert (found.judged, found.kept, found.days_with_arrivals) == (3, 2, 4)
    assert next(d.day for d in found.days if d.versions) == date(2026, 9, 2)
    assert found.days[-1].day == date(2026, 10, 1)
    assert found.days[0].weekday == 0
    irregular = calendar(came, portal.platform.standards.update_cycle("9"), date(2026, 10, 1), ZONE)
    assert irregular.judged == 0
