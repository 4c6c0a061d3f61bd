"""The release check reads sentences: persons, dwellings and sole traders in them are found, and what only looks like them is not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from beijiang.catalog import ShareType
from beijiang.kit import Conflict
from beijiang.protection.service import releasing

sys.path.insert(0, str(Path(__file__).parent))
from mention_corpus import EVERYDAY, SORTS, SURE, WITH_UNSURE, measured, sentences

if TYPE_CHECKING:
    from conftest import House

ROWS = 120
SEED = 29
"""Not the one of the published table."""
OFFER: dict[str, Any] = {
    "share_type": ShareType.NOT_SHARED,
    "no_share_basis": "《某法》第一条",
    "categories": ("101001",),
}


def checked(house: House, table: str) -> dict[str, Any]:
    (report,) = house.releases.check(house.steward, table)
    return {one.check: one for one in report.findings}


def identifiers(house: House, table: str) -> Any:
    return checked(house, table)["identifiers"]


def test_precision_and_recall_of_what_sentences_say(house: House) -> None:
    columns = dict(zip((f"列{i}" for i in range(len(SORTS))), sentences(ROWS, SEED).values(), strict=True))
    rows = [
        dict(zip(columns, texts, strict=True)) | {"_bj_row": i}
        for i, texts in enumerate(zip(*columns.values(), strict=True))
    ]
    schema = pa.schema([*((name, pa.string()) for name in columns), ("_bj_row", pa.int64())])
    house.write("办件备注", rows, schema)
    with pytest.raises(Conflict, match="identifiers are gone"):
        house.publish("办件备注", **OFFER)
    findings = checked(house, "办件备注")
    sort_of = dict(zip(columns, SORTS, strict=True))
    found = {
        f"{sort_of[column]}/{key}": n
        for (column, _, key), n in (
            (k.partition("/"), n) for one in ("identifiers", "doubted") for k, n in findings[one].numbers.items()
        )
    }
    shares, wrong = measured(found, ROWS)
    assert all(shares[which][0] == 1.0 for which in SURE), f"a lawful release would be held back: {wrong}"
    assert shares[WITH_UNSURE][0] >= 0.9, wrong
    assert shares[WITH_UNSURE][1] >= 0.84, wrong
    assert shares["dwelling"][1] >= 0.95, wrong
    assert shares["sole_trader"][1] >= 0.95, wrong
    assert shares["named_person"][1] >= 0.7, wrong
    cued = [sort for sort, (what, _) in SORTS.items() if what == "named_person" and sort != "无提示"]
    named = sum(found.get(f"{sort}/{which}", 0) for sort in cued for which in ("named_person", "maybe_named"))
    assert named >= 0.95 * len(cued) * ROWS / 3, wrong


def test_one_sentence_holds_a_table_back_until_it_is_explained_or_gone(house: House) -> None:
    schema = pa.schema([("项目", pa.string()), ("说明", pa.string()), ("_bj_row", pa.int64())])
    rows = [{"项目": f"项目{i}", "说明": "由市水务局负责，负责人单位意见：同意", "_bj_row": i} for i in range(50)]
    house.write("工程清单", rows, schema)
    house.publish("工程清单", **OFFER)
    assert identifiers(house, "工程清单").outcome == "passed"
    house.write("工程清单", [{"项目": "项目50", "说明": "户主：傅晓梅，家住新城区新华大街12号", "_bj_row": 50}], schema)
    finding = identifiers(house, "工程清单")
    assert finding.numbers == {"说明/named_person": 1, "说明/dwelling": 1}
    assert [(column, what.zh, hits) for column, what, hits in finding.found] == [
        ("说明", "文字中的人名", 1),
        ("说明", "文字中的住址", 1),
    ]
    house.releases.declare(house.steward, "工程清单", {"说明": "plain"}, "公示文本，已取得本人同意")
    assert identifiers(house, "工程清单").outcome == "passed"


def test_codes_of_sole_traders_are_found_where_a_column_holds_other_codes_too(house: House) -> None:
    texts = sentences(60, 5)
    schema = pa.schema([("内容", pa.string()), ("_bj_row", pa.int64())])
    house.write("抽检", [{"内容": text, "_bj_row": i} for i, text in enumerate(texts["括注"] + texts["企业"])], schema)
    with pytest.raises(Conflict):
        house.publish("抽检", **OFFER)
    assert identifiers(house, "抽检").numbers == {"内容/sole_trader": 20}


def test_what_is_said_day_by_day_holds_nothing_back_and_little_is_left_to_people(house: House) -> None:
    schema = pa.schema([("内容", pa.string()), ("_bj_row", pa.int64())])
    house.write("热线工单", [{"内容": text, "_bj_row": i} for i, text in enumerate(EVERYDAY)], schema)
    house.publish("热线工单", **OFFER)
    findings = checked(house, "热线工单")
    assert (findings["identifiers"].outcome, findings["identifiers"].numbers) == ("passed", {})
    assert len(EVERYDAY) > 500
    assert findings["doubted"].numbers.get("内容/maybe_named", 0) < 0.06 * len(EVERYDAY)


def test_a_text_that_may_name_somebody_is_noted_for_people_to_read(house: House) -> None:
    schema = pa.schema([("说明", pa.string()), ("_bj_row", pa.int64())])
    texts = ["牧民高建国因白灾受损", "牧民高标准农田建设", "按规定办理完毕", "牧民高建国因白灾受损"]
    house.write("灾情", [{"说明": text, "_bj_row": i} for i, text in enumerate(texts)], schema)
    house.publish("灾情", **OFFER)
    finding = checked(house, "灾情")["doubted"]
    assert (finding.outcome, finding.numbers, finding.columns) == ("noted", {"说明/maybe_named": 3}, ("说明",))
    house.releases.declare(house.steward, "灾情", {"说明": "plain"}, "已逐条查看，均为公示内容")
    assert checked(house, "灾情")["doubted"].outcome == "passed"


def test_what_passed_is_looked_at_again_when_more_is_looked_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = pa.schema([("说明", pa.string()), ("_bj_row", pa.int64())])
    house.write("公告", [{"说明": "按规定办理完毕", "_bj_row": i} for i in range(9)], schema)
    house.publish("公告", **OFFER)
    (report,) = house.releases.reports(house.steward, "公告")
    house.publish("公告", summary="再次发布", **OFFER)
    assert len(house.releases.reports(house.steward, "公告")) == 1, "exactly this was judged before"
    monkeypatch.setattr(releasing, "CHECK_EDITION", releasing.CHECK_EDITION + 1)
    house.publish("公告", summary="又一次发布", **OFFER)
    newest, before = house.releases.reports(house.steward, "公告")
    assert before == report
    assert newest.subject != report.subject
