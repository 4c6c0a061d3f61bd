"""A version that fails a critical rule is not given to readers; a person may decide otherwise, on the record."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid
from beijiang.quality import Kind, Severity
from beijiang.tables import Exit

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import Bureau, firm

T = "企业登记信息"


def critical(bureau: Bureau) -> None:
    bureau.add(Kind.NOT_NULL, "企业名称", severity=Severity.CRITICAL)


def test_readers_stay_on_the_last_good_version_until_the_data_are_mended(bureau: Bureau) -> None:
    bureau.write([firm(0), firm(1)])
    critical(bureau)
    bureau.check()
    bureau.publish()
    assert bureau.released() == 1
    bureau.write([firm(0), firm(1), firm(2)])
    assert bureau.released() == 2
    bureau.write([firm(0), firm(1, 企业名称=None)])
    assert bureau.released() == 2
    governed = bureau.platform.tables.open(bureau.stranger, T, "test", Exit.PAGE)
    assert (governed.version, governed.count()) == (2, 3)
    hold = bureau.platform.quality.report(bureau.steward, T).hold
    assert hold is not None
    assert (hold.version, hold.rules) == (3, ("企业名称 非空",))
    assert bureau.platform.quality.report(bureau.steward, T).served == 2
    alerts = bureau.platform.alerts.alerts(bureau.steward)
    assert [(a.kind.value, a.subject) for a in alerts] == [("quality", T)]
    assert "企业名称 非空" in alerts[0].text.zh
    bureau.write([firm(0), firm(1)])
    assert bureau.released() == 4
    assert bureau.platform.alerts.alerts(bureau.steward) == []


def test_a_minor_rule_keeps_nobody_back(bureau: Bureau) -> None:
    bureau.write([firm(0)])
    bureau.add(Kind.NOT_NULL, "企业名称", severity=Severity.MAJOR)
    bureau.publish()
    bureau.write([firm(0, 企业名称=None)])
    assert bureau.released() == 2


def test_the_data_authority_may_release_a_version_and_the_decision_stays(bureau: Bureau) -> None:
    quality = bureau.platform.quality
    bureau.write([firm(0)])
    critical(bureau)
    bureau.check()
    bureau.publish()
    bureau.write([firm(0, 企业名称=None)])
    with pytest.raises(Denied):
        quality.release(bureau.steward, T, 2, "我自己放行")
    with pytest.raises(Invalid, match="reason"):
        quality.release(bureau.reviewer, T, 2, " ")
    made = quality.release(bureau.reviewer, T, 2, "历史数据，名称确已灭失")
    assert bureau.released() == 2
    assert quality.report(bureau.steward, T).hold is None
    assert [one.reason for one in quality.report(bureau.steward, T).releases] == [made.reason]
    with pytest.raises(Conflict, match="nothing to release"):
        quality.release(bureau.reviewer, T, 2, "again")
    bureau.clock.advance(timedelta(minutes=1))
    bureau.write([firm(0, 企业名称=None), firm(1)])
    assert bureau.released() == 2
    assert [a.subject for a in bureau.platform.alerts.alerts(bureau.steward)] == [T], "version 3 is another one"
    records = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(action="quality.release")).records
    assert [(r.actor_id, r.target) for r in records] == [(bureau.reviewer.id, T)]


def test_what_is_released_is_what_was_shown(bureau: Bureau) -> None:
    quality = bureau.platform.quality
    bureau.write([firm(0, 企业名称=None), firm(1)])
    critical(bureau)
    bureau.check()
    shown = quality.kept_back(bureau.reviewer, T, 1)
    assert [(fact.name, fact.failing) for fact in shown.facts] == [("企业名称 非空", 1)]
    bureau.check()
    assert quality.kept_back(bureau.reviewer, T, 1).shown.token == shown.shown.token, "checked anew, and the same"
    bureau.add(Kind.FORMAT, "盟市", params={"pattern": "[A-Z]+"}, severity=Severity.CRITICAL)
    bureau.check()
    now = quality.kept_back(bureau.reviewer, T, 1)
    assert len(now.facts) == 2
    for seen in (shown.shown.token, ""):
        with pytest.raises(Conflict) as refused:
            quality.release(bureau.reviewer, T, 1, "可", seen=seen)
        assert refused.value.reason == "changed_since_seen"
    assert quality.report(bureau.steward, T).releases == []
    assert quality.release(bureau.reviewer, T, 1, "可", seen=now.shown.token).rules == now.rules


def test_a_version_that_was_not_judged_yet_is_not_published(bureau: Bureau) -> None:
    bureau.write([firm(0, 企业名称=None)])
    critical(bureau)
    with pytest.raises(Conflict, match="critical rules"):
        bureau.publish()
    bureau.write([firm(0)])
    found = bureau.platform.catalog.resource_for_table(T)
    assert found is not None
    bureau.platform.catalog.publish(bureau.publisher, found.id)
    assert bureau.released() == 2


def test_a_rule_that_cannot_be_counted_keeps_readers_back_too(bureau: Bureau) -> None:
    """An error is no pass: what could not be judged is not good."""
    import pyarrow as pa

    places = pa.schema([("名称", pa.string())])
    bureau.write([{"名称": n} for n in ("呼和浩特市", "包头市", "赤峰市")], "盟市表", places)
    bureau.write([firm(0)])
    bureau.add(Kind.REFERENCE, "盟市", params={"table": "盟市表", "key": "名称"}, severity=Severity.CRITICAL)
    bureau.check()
    bureau.publish()
    renamed = pa.schema([("另一列", pa.string())])
    from beijiang.tables import CommitRequest, WriteMode

    request = CommitRequest(
        table="盟市表", org_id="education", staged=(), schema=renamed, mode=WriteMode.REPLACE, run_id="plan"
    )
    token = bureau.platform.tables.plan(bureau.steward, request).token
    bureau.write([{"另一列": "x"}], "盟市表", renamed, accept_plan=token)
    bureau.write([firm(1)])
    assert bureau.released() == 1
