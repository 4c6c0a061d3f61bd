"""Documents and notebooks of the data bureau: what its people would keep to look into, and the questions they ask again and again."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib.resources import files
from random import Random
from typing import TYPE_CHECKING, Any, Final

from beijiang.demo.files.monthly import LAST
from beijiang.mining import DocumentDraft, NotebookDraft, Sharing

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.platform import Platform

__all__ = ["PLAN_2018", "add_papers"]

PLAN_2018: Final = "2018 年大数据发展工作要点"

_CITIES: Final = ("呼和浩特市", "包头市", "赤峰市", "鄂尔多斯市", "通辽市")
_MATTERS: Final = (
    ("自治区生态环境厅", "空气质量", "扬尘管控和散煤治理", "空气质量优良天数比例达到 90%"),
    ("自治区工业和信息化厅", "工业运行", "重点用能企业节能改造", "规模以上工业增加值增长 6%"),
    ("自治区林业和草原局", "森林草原防火", "火险预警和巡护值守", "火情当日处置率达到 95%"),
    ("自治区交通运输厅", "农村公路", "危桥改造和路面养护", "新改建农村公路 3000 公里"),
)
_KINDS: Final = """SELECT "源类", round(sum("排放量（吨）"), 0) AS "排放量" FROM "大气污染源排放"
WHERE "年份" >= $since GROUP BY "源类" ORDER BY 2 DESC"""
_LEAGUES: Final = """SELECT "盟市", round(sum("排放量（吨）"), 0) AS "排放量" FROM "大气污染源排放"
WHERE "年份" >= $since GROUP BY "盟市" ORDER BY 2 DESC"""
_MONTHS: Final = """SELECT "月份", "数值" FROM "月度统计"
WHERE "地区" = $place AND "指标" = $indicator ORDER BY 1"""
_PLAN: Final = "工作要点"
_BRIEF: Final = "情况简报"
_NOTICE: Final = "会议通知"


def _plan(rng: Random, year: int) -> str:
    lines = [f"# {year} 年政务数据工作要点", ""]
    for number, (body, matter, means, target) in enumerate(_MATTERS, 1):
        tried = "、".join(rng.sample(_CITIES, 2))
        second = rng.choice([one[0] for one in _MATTERS if one[0] != body])
        lines += [
            f"{'一二三四'[number - 1]}、加强{matter}数据归集",
            f"1. 汇聚{matter}数据，每日更新，开展{means}。由{body}牵头，会同{second}，{year} 年 {rng.randint(6, 12)} 月底前完成，{target}。",
            f"2. 在{tried}试点共享应用，全年办理共享申请 {rng.randint(40, 90)} 件。由{body}负责。",
            "",
        ]
    return "\n".join(lines)


def _brief(rng: Random, number: int) -> str:
    city, (body, matter, means, _) = rng.choice(_CITIES), _MATTERS[number % len(_MATTERS)]
    return (
        f"# {matter}数据应用情况简报（第 {number} 期）\n\n{city}近期以{matter}数据为基础推进{means}。"
        f"{body}已向平台提供数据资源 {rng.randint(8, 30)} 项，本期被调用 {rng.randint(300, 900)} 次，比上期增加 {rng.randint(5, 40)}%。\n\n"
        f"从核对结果看，字段缺失率由 {rng.randint(5, 9)}% 降到 {rng.randint(1, 4)}%，仍有 {rng.randint(2, 9)} 项更新不及时。"
        f"下一步请{body}补齐历史数据，并对{city}报送的重复记录予以更正。\n"
    )


def _notice(rng: Random, number: int) -> str:
    body, matter, _, _ = _MATTERS[number % len(_MATTERS)]
    return (
        f"# 关于召开{matter}数据协调会的通知\n\n{body}、各盟市数据管理部门：\n\n"
        f"定于 {rng.randint(3, 11)} 月 {rng.randint(1, 28)} 日上午九时在大数据中心第 {rng.randint(1, 5)} 会议室召开{matter}数据协调会，"
        f"研究目录编制、更新频率和共享条件。请各单位派一名负责人参加，于会前两日报送参会回执和本单位资源目录。\n"
    )


def add_papers(platform: Platform, person: Callable[[str], Actor]) -> None:
    """Keep the documents of some years and the notebooks, each where an earlier build did not, and read the plan of 2018."""
    keeper, analyst = person("reviewer"), person("analyst")
    kept = {one.title for one in platform.texts.documents(keeper)}
    for title, label, text in _documents(LAST.year):
        if title not in kept:
            draft = DocumentDraft(name=f"{title}.md", title=title, grade="L1", label=label)
            platform.texts.add(keeper, keeper.org_id or "", draft, io.BytesIO(text.encode()))
    _read_plan(platform, keeper)
    named = {one.name for one in platform.notebooks.notebooks(analyst)}
    for book in _notebooks():
        if book.name not in named:
            platform.notebooks.save(analyst, book)


def _read_plan(platform: Platform, keeper: Actor) -> None:
    """Read the plan of 2018 into a draft of tasks, and go through its first lines as a person would; the others wait.

    One line is taken as it was read, one in the person's words, one is left out because it is on the plan already.
    """
    drafts = platform.plan_drafts
    if drafts.drafts(keeper):
        return
    document = next(one for one in platform.texts.documents(keeper) if one.title == PLAN_2018)
    draft = drafts.read(keeper, document.id, plan="2018")
    answers: tuple[tuple[bool, dict[str, str] | None, str], ...] = (
        (True, None, ""),
        (True, {"due_on": "2018-11-30"}, "期限以任务分工方案为准"),
        (False, None, "已由当年的督办任务承接，不再重复列入"),
    )
    for line, (accept, said, note) in zip(draft.lines, answers, strict=False):
        drafts.decide(keeper, draft.id, line.place, said, note, accept=accept, seen=line.shown.token)


def _documents(year: int) -> list[tuple[str, str, str]]:
    """Return title, class and text of each; the last one waits for a person to say what it is."""
    rng = Random(year)  # noqa: S311 - the same papers in every region
    plans = [(f"{one} 年政务数据工作要点", _PLAN, _plan(rng, one)) for one in range(year - 3, year + 1)]
    briefs = [(f"数据应用情况简报第 {n} 期", _BRIEF, _brief(rng, n)) for n in range(1, 6)]
    notices = [(f"数据协调会通知（{n}）", _NOTICE, _notice(rng, n)) for n in range(1, 5)]
    first = (PLAN_2018, _PLAN, files("beijiang.demo").joinpath("plan_2018.md").read_text("utf-8"))
    repeated = (briefs[-1][2].replace("近期", "本月"), "数据应用情况简报第 5 期（修改稿）")
    return [first, *plans, *briefs, *notices, (repeated[1], "", repeated[0])]


def _notebooks() -> tuple[NotebookDraft, ...]:
    """Return them as files would have them, which is how they are checked."""
    emissions = {
        "name": "大气污染源排放分析",
        "description": "按源类和盟市看排放量；改起始年份后全部重跑。",
        "parameters": [{"name": "since", "kind": "integer", "label": "起始年份", "default": "2020"}],
        "cells": [
            _cell("about", "note", text="## 看什么\n\n排放量以吨计，来自**大气污染源排放**。先看源类，再看盟市。"),
            _cell("kinds", "sql", "各源类排放量", _KINDS),
            _cell("kinds_drawn", "chart", "各源类排放量图", source="kinds", chart=("bar", "源类", "排放量")),
            _cell("leagues", "sql", "各盟市排放量", _LEAGUES),
            _cell("leagues_drawn", "chart", "各盟市占比", source="leagues", chart=("pie", "盟市", "排放量")),
        ],
    }
    indicators = {
        "name": "月度指标走势",
        "description": "一个地区一个指标的月度走势。",
        "parameters": [
            {"name": "place", "kind": "text", "label": "地区", "default": "呼和浩特市"},
            {"name": "indicator", "kind": "text", "label": "指标", "default": "社会消费品零售总额"},
        ],
        "cells": [
            _cell("about", "note", text="口径有变更的月份不要直接相比，见数据集页面的说明。"),
            _cell("months", "sql", "逐月数值", _MONTHS),
            _cell("drawn", "chart", "走势", source="months", chart=("line", "月份", "数值")),
        ],
    }
    return (
        NotebookDraft.from_json(emissions, sharing=Sharing.EDIT, note="演示"),
        NotebookDraft.from_json(indicators, sharing=Sharing.READ, note="演示"),
    )


def _cell(
    name: str,
    kind: str,
    title: str = "",
    text: str = "",
    *,
    source: str = "",
    chart: tuple[str, str, str] | None = None,
) -> dict[str, Any]:
    drawn = None if chart is None else {"kind": chart[0], "x": chart[1], "y": [chart[2]]}
    return {"id": name, "kind": kind, "title": title, "text": text, "source": source, "chart": drawn}
