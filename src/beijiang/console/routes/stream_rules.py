"""Alerts of readings, as a duty officer looks at them, and the rules on streams that raise them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, language, person
from beijiang.kit import NotFound, Text
from beijiang.mining import AlertQuery, AlertState, RuleDraft, RuleKind, Severity, Side, TrendMeasure
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor, Language
    from beijiang.kit.errors import JsonValue
    from beijiang.mining import Timeline

BOARD: Final = "/console/reading-alerts"
RULES: Final = "/console/stream-rules"
_Word = Annotated[str, Query(max_length=200)]
_Note = Annotated[str, Form(max_length=1000)]
_NUMBERS: Final = ("level", "clear", "hold", "settle", "least", "window", "readings", "silence")
_DAYS: Final = 7


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of alerts and rules."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_board(pages, frame, platform)
    _add_steps(pages, frame, platform)
    _add_rules(pages, frame, platform)
    return pages


def _query(state: str, severity: str, lasting: str, sensor: str) -> AlertQuery:
    """Return what is looked for; words that are none of ours look for everything."""
    return AlertQuery(
        state=AlertState(state) if state in set(AlertState) else None,
        severity=Severity(severity) if severity in set(Severity) else None,
        lasting=True if lasting == "yes" else None,
        sensor=sensor,
    )


def _add_board(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    service = platform.stream_rules
    zone = ZoneInfo(platform.settings.time_zone)

    @pages.get("/reading-alerts")
    def board(
        request: Request, state: _Word = "", severity: _Word = "", lasting: _Word = "", sensor: _Word = ""
    ) -> HTMLResponse:
        who = person(request)
        found = service.alerts(who, _query(state, severity, lasting, sensor))
        words = {"state": state, "severity": severity, "lasting": lasting, "sensor": sensor}
        return frame.page(
            request,
            "reading_alerts.html",
            alerts=found,
            chosen=words,
            here=f"{BOARD}?{urlencode({k: v for k, v in words.items() if v})}",
            states=list(AlertState),
            severities=list(Severity),
            unattended=service.unattended(who),
            rules=service.rules(who) if platform.access.allows(who, Permission.MINING_ALERT_READ, who.org_id) else [],
        )

    @pages.get("/reading-alerts-file")
    def file(
        request: Request, state: _Word = "", severity: _Word = "", lasting: _Word = "", sensor: _Word = ""
    ) -> Response:
        content = service.export(person(request), _query(state, severity, lasting, sensor))
        headers = {"Content-Disposition": content_disposition("读数预警.csv")}
        return Response(content, media_type="text/csv; charset=utf-8", headers=headers)

    @pages.get("/reading-alerts/{alert_id}")
    def one(request: Request, alert_id: str) -> HTMLResponse:
        who = person(request)
        alert = service.alert(who, alert_id)
        may = platform.access.allows(who, Permission.MINING_ALERT_HANDLE, alert.org_id)
        line = None if alert.masked else service.timeline(who, alert.rule_id, alert.sensor)
        return frame.page(
            request,
            "reading_alert.html",
            alert=alert,
            steps=service.steps(who, alert_id),
            may=may,
            people=service.handlers(who, alert.org_id) if may and alert.state is not AlertState.CLOSED else [],
            line=line,
            drawing=None if line is None or not line.points else _drawn(line, zone, language(request)),
            here=f"{BOARD}/{alert_id}",
            table=[]
            if line is None
            else [(datetime.fromtimestamp(at, zone), value) for at, value in line.points[-60:]],
            states=AlertState,
        )


def _drawn(line: Timeline, zone: ZoneInfo, spoken: Language) -> dict[str, JsonValue]:
    """Return the readings with the thresholds of every rule that judges them, for the drawing script."""
    series: list[JsonValue] = [{"name": line.rule.draft.value or line.sensor, "values": [v for _, v in line.points]}]
    raised, cleared = Text("触发", "raise"), Text("解除", "clear")
    for rule in line.rules:
        if rule.draft.kind is not RuleKind.THRESHOLD:
            continue
        levels = [(raised, rule.draft.level), (cleared, rule.draft.clears_at)]
        for word, level in levels if rule.draft.clear is not None else levels[:1]:
            name = f"{rule.draft.name} · {word.in_language(spoken)} {level:g}"
            series.append({"name": name, "values": [level] * len(line.points)})
    x: list[JsonValue] = [datetime.fromtimestamp(at, zone).strftime("%m-%d %H:%M") for at, _ in line.points]
    return {"type": "line", "x": x, "x_name": "", "series": series, "unit": ""}


def _add_steps(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    service = platform.stream_rules

    @pages.post("/reading-alerts/{alert_id}/{step}")
    def step(
        request: Request, alert_id: str, step: str, note: _Note = "", to: Annotated[str, Form(max_length=100)] = ""
    ) -> RedirectResponse:
        who, here = person(request), f"{BOARD}/{alert_id}"

        def acknowledge() -> tuple[str, Text]:
            service.acknowledge(who, alert_id, note)
            return here, Text("已确认，由您处理。", "Noted; you look after it.")

        def assign() -> tuple[str, Text]:
            service.assign(who, alert_id, to, note)
            return here, Text("已指派，对方会收到通知。", "It is in other hands, and they are told.")

        def close() -> tuple[str, Text]:
            service.close(who, alert_id, note)
            return here, Text("已办结。", "It is closed.")

        def reopen() -> tuple[str, Text]:
            service.reopen(who, alert_id, note)
            return here, Text("已重新打开。", "It is open again.")

        known = {"acknowledge": acknowledge, "assign": assign, "close": close, "reopen": reopen}
        if step not in known:
            raise NotFound("没有这种操作。", "There is no such step.", code="unknown_step")
        return frame.attempt(request, here, known[step])


def _add_rules(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    service, access = platform.stream_rules, platform.access

    def shown(request: Request, who: Actor, words: dict[str, str], trial: Any = None) -> HTMLResponse:
        readable = access.allows(who, Permission.INGEST_SOURCE_READ, who.org_id)
        streams = platform.streams.streams(who) if readable else []
        chosen = next((one for one in streams if one.id == words.get("stream")), streams[0] if streams else None)
        return frame.page(
            request,
            "stream_rules.html",
            rules=service.rules(who),
            names={one.id: one.name for one in streams},
            streams=streams,
            stream=chosen,
            columns=[] if chosen is None else chosen.options.get("columns", []),
            said=words,
            kind=words.get("kind", RuleKind.THRESHOLD.value),
            kinds=list(RuleKind),
            sides=list(Side),
            measures=list(TrendMeasure),
            severities=list(Severity),
            may=access.allows(who, Permission.MINING_RULE_MANAGE, who.org_id),
            trial=trial,
            days=_DAYS,
        )

    @pages.get("/stream-rules")
    def rules(request: Request, stream: _Word = "", kind: _Word = "", rule: _Word = "") -> HTMLResponse:
        who = person(request)
        words = {"stream": stream, **({"kind": kind} if kind in set(RuleKind) else {})}
        if rule:
            found = service.rule(who, rule)
            kept = {name: "" if value is None else str(value) for name, value in found.draft.to_json().items()}
            words = {**kept, "sensors": ",".join(found.draft.sensors), "stream": found.stream_id, "rule": rule}
        return shown(request, who, words)

    @pages.post("/stream-rules")
    async def declare(request: Request) -> Response:
        form = await request.form()
        words = {name: str(value)[:2000] for name, value in form.items()}
        who = person(request)

        def attempt() -> Response:
            if words.get("step") == "try":
                return shown(request, who, words, service.try_out(who, words.get("stream", ""), _draft(words), _DAYS))
            return frame.attempt(request, f"{RULES}?stream={words.get('stream', '')}", save)

        def save() -> tuple[str, Text]:
            if words.get("rule"):
                service.change(who, words["rule"], _draft(words))
                return RULES, Text("规则已更新，旧版次保留。", "The rule is changed; the earlier revision stays.")
            service.declare(who, words.get("stream", ""), _draft(words))
            return RULES, Text("规则已启用，从下一批读数起判断。", "The rule judges from the next batch on.")

        return await run_in_threadpool(attempt)

    @pages.post("/stream-rules/{rule_id}/stop")
    def stop(request: Request, rule_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            service.stop_rule(person(request), rule_id)
            return RULES, Text("规则已停用，历史保留。", "The rule judges no more; its history stays.")

        return frame.attempt(request, RULES, step)


def _draft(words: dict[str, str]) -> RuleDraft:
    """Return the rule that a form says; what is left empty is as a rule has it by itself."""
    said: dict[str, Any] = {
        name: words[name].strip()
        for name in (
            "name", "kind", "key", "time", "value", "side", "measure", "severity", "quiet", "zh", "en", *_NUMBERS,
        )
        if words.get(name, "").strip()
    }  # fmt: skip
    if said.get("kind") == RuleKind.MISSING.value:
        said.pop("value", None)
    listed = words.get("sensors", "").replace("，", ",").replace("\n", ",")
    return RuleDraft.from_json({**said, "sensors": [one.strip() for one in listed.split(",") if one.strip()]})
