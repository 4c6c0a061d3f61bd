"""The minutes of a request (审批单) for paper: what was asked, what of it was granted and refused, who decided what and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.exchange.models import RequestState, purposes
from beijiang.kit import Text
from beijiang.protection import written
from beijiang.standards import Paper, PaperTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beijiang.exchange.models import Request, RequestView, Step
    from beijiang.exchange.models.terms import Terms
    from beijiang.kit import Language

__all__ = ["minutes_of"]

_TITLE = Text("政务数据共享审批单", "Minutes of a decision on sharing")
_COMPARED = Text("申请与批准", "Asked for and granted")
_HAPPENED = Text("办理过程", "What happened")
_HEAD = (
    Text("时间", "at"),
    Text("环节", "stage"),
    Text("经办", "by"),
    Text("部门", "department"),
    Text("事项", "what"),
    Text("意见", "words"),
)
_NOTHING = Text("未批准", "refused")
_YES = "✓"
_ENDED: Final = {RequestState.REFUSED: _NOTHING, RequestState.WITHDRAWN: RequestState.WITHDRAWN.text}
"""What is said of everything that was asked for where the request ended with nothing."""


def minutes_of(view: RequestView, names: Mapping[str, str], language: Language, zone: ZoneInfo) -> Paper:
    """Return the minutes as they are printed; ``names`` are those of departments."""
    asked = view.request
    facts = [
        [word.in_language(language), said]
        for word, said in (*_asked(asked, names, language), *_times(view, language, zone))
        if said
    ]
    stages = {stage.id: stage.name.in_language(language) for stage in asked.stages}
    steps = [_line(step, stages, names, language, zone) for step in view.steps]
    head = [word.in_language(language) for word in _HEAD]
    notes = [] if asked.case is None else [_limit(asked.case.basis, asked.case.rule_id).in_language(language)]
    return Paper(
        _TITLE.in_language(language),
        [
            PaperTable("", (), facts),
            PaperTable(_COMPARED.in_language(language), *_compared(asked, language)),
            PaperTable(_HAPPENED.in_language(language), head, steps),
        ],
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
        (Text("联系方式", "contact"), draft.contact),
        (Text("用途", "purpose"), draft.purpose if purpose is None else purpose.in_language(language)),
        (Text("使用场景", "use"), draft.use),
        (Text("履职依据", "basis"), draft.basis),
        (Text("接收系统", "receiving system"), draft.system),
        (Text("个人信息影响评估", "impact assessment"), draft.impact),
        (Text("授权号", "grant"), asked.grant_id or ""),
    )


def _times(view: RequestView, language: Language, zone: ZoneInfo) -> Sequence[tuple[Text, str]]:
    """Return when it was handed in, due and decided, and why its time stood still or became longer."""
    asked, case, due = view.request, view.request.case, view.deadline
    paused, extended = [], ""
    for one in () if case is None else case.pauses:
        reason = one.reason.text.in_language(language)
        paused.append(f"{one.since} – {one.until or ''} {reason}")
    if case is not None and case.extended:
        extended = Text(f"{case.extended} 个工作日", f"{case.extended} working days").in_language(language)
    if due is not None and due.paused_days:
        paused.append(Text(f"共 {due.paused_days} 日", f"{due.paused_days} days").in_language(language))
    return (
        (Text("提交", "handed in"), _moment(asked.submitted_at, zone)),
        (Text("应于此日前答复", "answer due by"), "" if due is None else due.last_day.isoformat()),
        (Text("中止", "stood still"), "；".join(paused)),
        (Text("延长", "extended by"), extended),
        (Text("办结", "decided"), _moment(asked.decided_at, zone)),
    )


def _compared(asked: Request, language: Language) -> tuple[list[str], list[list[str]]]:
    """Return the head and lines of what was asked for beside what was granted; of what is refused that is said."""
    wanted, offered = asked.draft.terms, asked.offered
    ended, nothing = _ENDED.get(asked.state), _NOTHING.in_language(language)  # another node's grant has no number here
    none = None if ended is None or asked.grant_id else ended.in_language(language)
    kept = {item.column: item.handling.text.in_language(language) for item in offered.items}
    lines = [
        [item.column, item.handling.text.in_language(language), none or kept.get(item.column, nothing)]
        for item in wanted.items
    ]
    lines += [
        [way.text.in_language(language), _YES, none or (_YES if way in offered.ways else nothing)]
        for way in sorted(wanted.ways)
    ]
    for word, say in _TERMS:
        lines.append([word.in_language(language), say(wanted, language), none or say(offered, language)])
    now = Text("批准", "granted") if asked.state.is_over else Text("办理至此", "as it stands")
    return [word.in_language(language) for word in (Text("内容", "what"), Text("申请", "asked for"), now)], lines


def _rows(terms: Terms, language: Language) -> str:
    return "；".join(written(one) for one in terms.filters) or Text("全部", "all").in_language(language)


def _quotas(terms: Terms, language: Language) -> str:
    limits = (
        (terms.calls_per_day, Text("次/日", " calls a day")),
        (terms.rows_per_day, Text("行/日", " rows a day")),
    )
    said = [f"{most}{word.in_language(language)}" for most, word in limits if most is not None]
    return "、".join(said) or Text("不限", "none").in_language(language)


_TERMS: Final[Sequence[tuple[Text, Callable[[Terms, Language], str]]]] = (
    (Text("行范围", "rows"), _rows),
    (Text("限量", "limits"), _quotas),
    (Text("起止", "days"), lambda terms, _: f"{terms.since} – {terms.until}"),
)


def _line(
    step: Step, stages: Mapping[str, str], names: Mapping[str, str], language: Language, zone: ZoneInfo
) -> list[str]:
    behalf = Text(f"（代 {step.behalf}）", f" (for {step.behalf})").in_language(language) if step.behalf else ""
    return [
        _moment(step.at, zone),
        stages.get(step.stage, step.stage),
        step.name + behalf,
        names.get(step.org_id, step.org_id) if step.org_id else "",
        step.move.text.in_language(language),
        step.words,
    ]


def _limit(basis: str, rule: str) -> Text:
    return Text(f"时限依据：{basis} · {rule}", f"Time limit: {basis} · {rule}")


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else at.astimezone(zone).isoformat(sep=" ", timespec="minutes")[:16]
