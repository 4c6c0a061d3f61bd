"""The minutes of a request (审批单) for paper: what was asked, who decided what and when, and what was granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.exchange.models import purposes
from beijiang.kit import Text
from beijiang.protection import written
from beijiang.standards import Paper, PaperTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beijiang.exchange.models import Request, RequestView, Step
    from beijiang.kit import Language

__all__ = ["minutes_of"]

_TITLE = Text("政务数据共享审批单", "Minutes of a decision on sharing")
_HAPPENED = Text("办理过程", "What happened")
_HEAD = (
    Text("时间", "at"),
    Text("经办", "by"),
    Text("部门", "department"),
    Text("事项", "what"),
    Text("意见", "words"),
)


def minutes_of(view: RequestView, names: Mapping[str, str], language: Language, zone: ZoneInfo) -> Paper:
    """Return the minutes as they are printed; ``names`` are those of departments."""
    asked = view.request
    facts = [
        [word.in_language(language), said]
        for word, said in (*_asked(asked, names, language), *_granted(asked, language, zone))
    ]
    steps = [_line(step, names, language, zone) for step in view.steps]
    head = [word.in_language(language) for word in _HEAD]
    notes = [] if asked.case is None else [_limit(asked.case.basis, asked.case.rule_id).in_language(language)]
    return Paper(
        _TITLE.in_language(language),
        [PaperTable("", (), facts), PaperTable(_HAPPENED.in_language(language), head, steps)],
        notes,
        language,
    )


def _asked(asked: Request, names: Mapping[str, str], language: Language) -> Sequence[tuple[Text, str]]:
    draft = asked.draft
    purpose = purposes().get(draft.purpose)
    version = Text(f"（目录第 {asked.resource_version} 版）", f" (entry version {asked.resource_version})")
    return (
        (Text("申请号", "request"), asked.id),
        (Text("结果", "outcome"), asked.state.text.in_language(language)),
        (Text("资源", "resource"), asked.resource_name + version.in_language(language)),
        (Text("提供部门", "provider"), names.get(asked.provider_id, asked.provider_id)),
        (Text("使用部门", "consumer"), names.get(asked.org_id, asked.org_id)),
        (Text("申请人", "asked by"), asked.by_name),
        (Text("用途", "purpose"), draft.purpose if purpose is None else purpose.in_language(language)),
        (Text("使用场景", "use"), draft.use),
        (Text("履职依据", "basis"), draft.basis),
    )


def _granted(asked: Request, language: Language, zone: ZoneInfo) -> Sequence[tuple[Text, str]]:
    offered = asked.offered
    items = [f"{item.column}（{item.handling.text.in_language(language)}）" for item in offered.items]
    everything = Text("全部", "all").in_language(language)
    limits = (
        (offered.calls_per_day, Text("次/日", " calls a day")),
        (offered.rows_per_day, Text("行/日", " rows a day")),
    )
    said = [f"{most}{word.in_language(language)}" for most, word in limits if most is not None]
    return (
        (Text("数据项", "items"), "、".join(items)),
        (Text("行范围", "rows"), "；".join(written(one) for one in offered.filters) or everything),
        (Text("方式", "ways"), "、".join(sorted(way.text.in_language(language) for way in offered.ways))),
        (Text("限量", "limits"), "、".join(said) or Text("不限", "none").in_language(language)),
        (Text("起止", "days"), f"{offered.since} – {offered.until}"),
        (Text("授权号", "grant"), asked.grant_id or ""),
        (Text("提交", "handed in"), _moment(asked.submitted_at, zone)),
        (Text("办结", "decided"), _moment(asked.decided_at, zone)),
    )


def _line(step: Step, names: Mapping[str, str], language: Language, zone: ZoneInfo) -> list[str]:
    behalf = Text(f"（代 {step.behalf}）", f" (for {step.behalf})").in_language(language) if step.behalf else ""
    return [
        _moment(step.at, zone),
        step.name + behalf,
        names.get(step.org_id, step.org_id) if step.org_id else "",
        step.move.text.in_language(language),
        step.words,
    ]


def _limit(basis: str, rule: str) -> Text:
    return Text(f"时限依据：{basis} · {rule}", f"Time limit: {basis} · {rule}")


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else at.astimezone(zone).isoformat(sep=" ", timespec="minutes")[:16]
