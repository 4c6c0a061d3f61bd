"""The lists of what flows in: runs, streams, jobs, rows to mend."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from beijiang.console.listing import Coded, Column, Kind, Table
from beijiang.console.lists.words import age, age_name
from beijiang.console.words import word
from beijiang.ingest import StreamKind, StreamState
from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.build import Platform
    from beijiang.ingest import Run, Stream, TableCount
    from beijiang.jobs import Job
    from beijiang.kit import Actor

__all__ = ["job_table", "mending_table", "run_table", "stream_table"]

_RUN: Final = {
    "committed": (Text("已完成", "done"), "ok"),
    "queued": (Text("排队中", "queued"), "info"),
    "running": (Text("进行中", "running"), "info"),
    "cancelled": (Text("已取消", "cancelled"), ""),
    "stopped": (Text("坏行过多，未提交", "stopped: too many bad rows"), "warn"),
}
_FAILED: Final = (Text("失败", "failed"), "bad")
_OUTCOME: Final = {
    "good": Coded("good", Text("成功", "went well")),
    "bad": Coded("bad", Text("未成功", "did not succeed")),
    "open": Coded("open", Text("未结束", "not ended")),
}
_STREAM: Final = {
    "trouble": (Coded("trouble", Text("有问题", "trouble")), "bad"),
    "running": (Coded("running", StreamState.RUNNING.text), "ok"),
    "paused": (Coded("paused", StreamState.PAUSED.text), "warn"),
}


def run_table(platform: Platform, actor: Actor) -> Table[Run]:
    """Return the list of the runs that the actor may see."""
    now = platform.clock.now()

    def outcome(run: Run) -> Coded:
        if not run.ended:
            return _OUTCOME["open"]
        return _OUTCOME["good" if run.state.value in {"committed", "cancelled"} else "bad"]

    def count(run: Run, name: str) -> int | None:
        found = run.report.get(name)
        return found if isinstance(found, int) else None

    return Table(
        key="runs",
        path="/console/runs",
        title=Text("汇聚任务", "Runs"),
        part=lambda wanted: platform.ingest.run_part(actor, wanted),
        row_key=lambda r: r.id,
        columns=(
            Column(key="table", words=Text("目标表", "Table"), of=lambda r: r.table, link=lambda r: f"/console/runs/{r.id}"),
            Column(key="state", words=Text("状态", "State"), of=lambda r: Coded(r.state.value, _RUN.get(r.state.value, _FAILED)[0]), kind=Kind.TAG, level=lambda r: _RUN.get(r.state.value, _FAILED)[1], choice=True, named=lambda code: _RUN.get(code, _FAILED)[0]),
            Column(key="outcome", words=Text("结果", "Outcome"), of=outcome, choice=True, named=lambda code: _OUTCOME[code].text, shown=False),
            Column(key="read", words=Text("读入", "Read"), of=lambda r: count(r, "read"), kind=Kind.NUMBER),
            Column(key="good", words=Text("入库", "Good"), of=lambda r: count(r, "good"), kind=Kind.NUMBER),
            Column(key="bad", words=Text("待修", "Bad"), of=lambda r: count(r, "bad"), kind=Kind.NUMBER, link=lambda r: f"/console/quarantine?run={r.id}" if count(r, "bad") else ""),
            Column(key="why", words=Text("说明", "Why"), of=_why, sorts=False),
            Column(key="by", words=Text("提交人", "By"), of=lambda r: r.actor_name, choice=True),
            Column(key="at", words=Text("时间", "At"), of=lambda r: r.submitted_at, kind=Kind.MOMENT),
            Column(key="ended", words=Text("结束", "Ended"), of=lambda r: r.ended_at, kind=Kind.MOMENT, shown=False),
            Column(key="age", words=Text("时间段", "When"), of=lambda r: age(r.submitted_at, now), choice=True, named=age_name, shown=False),
            Column(key="id", words=Text("任务号", "Id"), of=lambda r: r.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def _why(run: Run) -> Text | None:
    """Say in few words what a run does or why it ended as it did."""
    if run.error:
        return Text(str(run.error.get("zh") or "")[:160], str(run.error.get("en") or "")[:160])
    note = run.progress.get("note")
    if not run.ended and isinstance(note, dict):
        return Text(str(note.get("zh") or "等待开始"), str(note.get("en") or "waits to begin"))
    reasons = run.report.get("bad_by_reason")
    if not isinstance(reasons, dict):
        return None
    told = [(word("reason", reason), count) for reason, count in reasons.items()]
    return Text("、".join(f"{w.zh} {n}" for w, n in told), ", ".join(f"{w.en} {n}" for w, n in told))


def stream_table(platform: Platform, actor: Actor, names: Mapping[str, str]) -> Table[Stream]:
    """Return the list of the streams that the actor may see."""

    def called(org_id: str) -> str:
        return names.get(org_id, org_id)

    def standing(one: Stream) -> tuple[Coded, str]:
        return _STREAM["trouble" if one.is_ill else one.state.value]

    def why(one: Stream) -> Text | None:
        told = one.trouble or one.live.get("trouble")
        return Text(str(told.get("zh") or ""), str(told.get("en") or "")) if isinstance(told, dict) else None

    def last(one: Stream) -> datetime | None:
        told = one.live.get("last_message_at")
        return datetime.fromisoformat(told) if isinstance(told, str) else None

    def rate(one: Stream) -> float | None:
        told = one.live.get("per_second")
        return told if isinstance(told, int | float) else None

    return Table(
        key="streams",
        path="/console/streams",
        title=Text("数据流", "Streams"),
        part=lambda wanted: platform.streams.stream_part(actor, wanted),
        row_key=lambda s: s.id,
        columns=(
            Column(key="name", words=Text("数据流", "Stream"), of=lambda s: s.name, link=lambda s: f"/console/streams/{s.id}"),
            Column(key="kind", words=Text("方式", "Kind"), of=lambda s: Coded(s.kind.value, s.kind.text), choice=True, named=lambda code: StreamKind(code).text),
            Column(key="org", words=Text("部门", "Department"), of=lambda s: called(s.org_id), choice=True, named=called, shown=False),
            Column(key="table", words=Text("目标表", "Table"), of=lambda s: s.table, link=lambda s: f"/console/tables/{quote(s.table)}"),
            Column(key="state", words=Text("状态", "State"), of=lambda s: standing(s)[0], kind=Kind.TAG, level=lambda s: standing(s)[1], choice=True, named=lambda code: _STREAM[code][0].text),
            Column(key="why", words=Text("说明", "Why"), of=why, sorts=False, shown=False),
            Column(key="per_second", words=Text("每秒消息", "Per second"), of=rate, kind=Kind.NUMBER),
            Column(key="last", words=Text("最近消息", "Last message"), of=last, kind=Kind.MOMENT),
            Column(key="landed", words=Text("已落盘的投递", "Deliveries kept"), of=lambda s: s.landed, kind=Kind.NUMBER, shown=False),
            Column(key="at", words=Text("登记", "Set up"), of=lambda s: s.created_at, kind=Kind.MOMENT, shown=False),
            Column(key="by", words=Text("登记人", "Set up by"), of=lambda s: s.created_by, shown=False),
            Column(key="id", words=Text("数据流号", "Id"), of=lambda s: s.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def job_table(platform: Platform, actor: Actor) -> Table[Job]:
    """Return the list of the jobs that the actor may see."""
    now = platform.clock.now()
    levels = {"done": "ok", "failed": "bad", "running": "info"}
    return Table(
        key="jobs",
        path="/console/jobs",
        title=Text("作业", "Jobs"),
        part=lambda wanted: platform.jobs.job_part(actor, wanted),
        row_key=lambda j: j.id,
        columns=(
            Column(key="name", words=Text("作业", "Job"), of=lambda j: Coded(j.name, word("job_name", j.name)), choice=True, named=lambda code: word("job_name", code), under=lambda j: j.id),
            Column(key="state", words=Text("状态", "State"), of=lambda j: Coded(j.state.value, word("job", j.state.value)), kind=Kind.TAG, level=lambda j: levels.get(j.state.value, ""), choice=True, named=lambda code: word("job", code)),
            Column(key="progress", words=Text("进度 %", "Progress %"), of=lambda j: None if j.share is None else round(100 * j.share), kind=Kind.NUMBER),
            Column(key="by", words=Text("提交人", "By"), of=lambda j: j.actor.name, choice=True, shown=False),
            Column(key="why", words=Text("说明", "Why"), of=lambda j: Text(str(j.error.get("zh") or ""), str(j.error.get("en") or "")) if j.error else None, sorts=False),
            Column(key="attempts", words=Text("次数", "Attempts"), of=lambda j: j.attempts, kind=Kind.NUMBER, shown=False),
            Column(key="at", words=Text("提交", "Submitted"), of=lambda j: j.submitted_at, kind=Kind.MOMENT),
            Column(key="ended", words=Text("结束", "Ended"), of=lambda j: j.ended_at, kind=Kind.MOMENT, shown=False),
            Column(key="age", words=Text("时间段", "When"), of=lambda j: age(j.submitted_at, now), choice=True, named=age_name, shown=False),
        ),
    )  # fmt: skip


def mending_table(rows: Sequence[TableCount]) -> Table[TableCount]:
    """Return the list of tables with rows to mend."""

    def column(key: str, words: Text, *, name: str) -> Column[TableCount]:
        return Column(
            key=key,
            words=words,
            of=lambda c: int(getattr(c, name)),
            kind=Kind.NUMBER,
            link=lambda c: _rows_of(c.table, name) if getattr(c, name) else "",
        )

    return Table(
        key="quarantine",
        path="/console/quarantine",
        title=Text("待修数据", "Rows to mend"),
        rows=rows,
        row_key=lambda c: c.table,
        columns=(
            Column(key="table", words=Text("表", "Table"), of=lambda c: c.table, link=lambda c: _rows_of(c.table, "open")),
            column("open", Text("待处理", "Open"), name="open"),
            column("fixed", Text("已修正，待入库", "Mended, waits"), name="fixed"),
            column("sent_back", Text("已退回", "Sent back"), name="sent_back"),
            column("dismissed", Text("已忽略", "Dismissed"), name="dismissed"),
            column("resolved", Text("已解决", "Resolved"), name="resolved"),
        ),
    )  # fmt: skip


def _rows_of(table: str, state: str) -> str:
    return f"/console/quarantine?table={quote(table)}&state={state}"
