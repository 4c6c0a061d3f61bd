"""A work plan is read: measured on plans written from the rows of the plan of 2018, in several styles."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from plan_writer import STYLES, Truth, Written, write

from beijiang.access import RegionFacts
from beijiang.assess import packaged
from beijiang.build import Platform
from beijiang.kit import SYSTEM
from beijiang.mining.models.texts import TaskFound, tasks_of
from beijiang.standards import Standards

SEEDS = 5


def _known(platform: Platform) -> Mapping[str, Sequence[str]]:
    tables = (platform.standards.table(name) for name in ("regions", "jurisdictions", "departments_2018"))
    platform.access.seed_region(SYSTEM, RegionFacts(*(tuple(one) for one in tables)))
    return platform.texts._bodies()


def _written(standards: Standards, style: str, seed: int) -> Written:
    rows = standards.table("plan_2018")
    chinese = packaged("plan_2018_zh")
    words = {r["section_no"]: r["summary_zh"] for r in chinese} | {
        f"part {r['section_no']}": r["part_zh"] for r in chinese
    }
    figures = {r["code"]: r["name_zh"] for r in packaged("figures_2018")}
    names = {r["dept_id"]: [r["name_short_zh"], r["name_zh"]] for r in standards.table("departments_2018")}
    return write(rows, words, figures, names, style, seed)


def _facts(truth: Truth, found: TaskFound | None) -> dict[str, tuple[frozenset[object], frozenset[object]]]:
    """Return per kind what is true and what was found."""
    if found is None:
        return {"leads": (truth.leads, frozenset()), "targets": (truth.targets, frozenset())}
    return {
        "leads": (truth.leads, frozenset(b.ids[0] for b in found.leads if len(b.ids) == 1)),
        "joint": (truth.joint, frozenset(b.ids[0] for b in found.joint if len(b.ids) == 1)),
        "targets": (truth.targets, frozenset((t.name, t.value, t.operator) for t in found.targets)),
        "due": (frozenset({truth.due} - {None}), frozenset({found.due_on} - {None})),
    }


@pytest.mark.parametrize("style", sorted(STYLES))
def test_tasks_bodies_targets_and_deadlines_are_found(platform: Platform, style: str) -> None:
    known = _known(platform)
    hits: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for seed in range(SEEDS):
        made = _written(platform.standards, style, seed)
        year, found = tasks_of(made.text, known)
        assert year == 2018
        assert [(t.number, t.title) for t in found] == [(t.number, t.title) for t in made.truth]
        by_number = {one.number: one for one in found}
        for truth in made.truth:
            task = by_number[truth.number]
            for kind, (wanted, got) in _facts(truth, task).items():
                hits[kind] = [
                    a + b for a, b in zip(hits[kind], (len(wanted & got), len(got), len(wanted)), strict=True)
                ]
            assert all(s.text in made.text for s in task.sentences), "findings stand beside their source"
            if truth.wider:
                assert any("盟" in words or "市" in words for words in task.unknown), (
                    "who is no single body is said in words"
                )
    for kind, (right, said, there) in hits.items():
        precision, recall = right / said, right / there
        assert precision >= 0.98, (kind, precision)
        assert recall >= (0.95 if style == "rough" else 0.98), (kind, recall)


UNSEEN = """自治区 2018 年数字政府建设重点任务

一、总体要求
坚持统筹推进。到2018年底，力争一般性政务服务事项网上可办率达到85%以上，群众办事平均时间压缩到3个工作日以内。

二、夯实基础
1. 建好共享平台。在现有平台的基础上扩容，9月底前接入部门不少于45个，年内汇聚政务数据20亿条以上。责任单位：自治区大数据局、政府办公厅；协办单位：各盟市大数据管理部门。
2. 清理信息孤岛。对“僵尸”系统逐一核实，2018年6月30日前关停并转不少于120个。此前全区共有系统1600个。由审计厅会同财政厅、发改委组织实施，大数据局予以配合。

三、惠及民生
（一）健康便民。二级以上医院预约诊疗覆盖率由60%提高到90%，电子健康卡发放突破500万张（卫计委牵头，人社厅、公安厅参与；10月底前完成）。
（二）智慧气象。暴雨预警提前量不低于30分钟。气象局为责任主体，水利厅和林业厅做好协同。
"""


def test_another_document_with_other_habits_is_read_too(platform: Platform) -> None:
    _, found = tasks_of(UNSEEN, _known(platform))
    got = {t.number: t for t in found}
    assert list(got) == ["0", "2.1", "2.2", "3.1", "3.2"]
    assert [str(t) for t in got["2.1"].targets] == ["接入部门 ≥ 45 个", "汇聚政务数据 ≥ 20 亿条"]
    assert got["2.1"].due_on == date(2018, 9, 30)
    assert got["2.1"].unknown == ("各盟市大数据管理部门",)
    assert [b.ids for b in got["2.2"].leads] == [("audit",)]
    assert {b.ids[0] for b in got["2.2"].joint} == {"finance", "ndrc", "bigdata"}
    assert [str(t) for t in got["2.2"].targets] == ["关停并转 ≥ 120 个"], "1600 systems are no target"
    assert [str(t) for t in got["3.1"].targets] == ["二级以上医院预约诊疗覆盖率 = 90 %", "电子健康卡发放 ≥ 500 万张"]
    assert [b.ids for b in got["3.2"].leads] == [("meteorology",)]
    assert [str(t) for t in got["0"].targets][1] == "群众办事平均时间 ≤ 3 个工作日"


def test_a_text_that_is_no_plan_has_no_tasks_and_strange_ones_do_not_stop_it(platform: Platform) -> None:
    known = _known(platform)
    assert tasks_of("今天天气很好。我们去草原上骑马。", known) == (None, [])
    pick = random.Random(7)  # noqa: S311 - no secret is made
    letters = "一二三、（）(1.。；：牵头配合单位2018年底前%厅局\n"
    for _ in range(200):
        text = "".join(pick.choice(letters) for _ in range(300))
        _, found = tasks_of(text, known)
        assert all(one.title for one in found)
