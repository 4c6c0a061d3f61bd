"""``beijiang ingest harvest``: take over another catalog, see what became of each record, and correct the mapping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beijiang.ingest.commands.files import AS, actor_of
from beijiang.ingest.models import HarvestState, MapKind, MapRule, OutcomeKind, RecordState
from beijiang.kit import Actor, Invalid, Text
from beijiang.terminal import Column, as_json, language, progress, say, show

if TYPE_CHECKING:
    from beijiang.ingest.models import HarvestPlan, HarvestRun
    from beijiang.ingest.service import Harvests
    from beijiang.jobs import Job

__all__ = ["harvest"]

_COUNTS = (
    Column("seen", Text("读到", "seen"), right=True),
    Column("added", Text("新增", "added"), right=True),
    Column("changed", Text("更新", "changed"), right=True),
    Column("unchanged", Text("未变", "unchanged"), right=True),
    Column("failed", Text("失败", "failed"), right=True),
    Column("repeated", Text("重复", "twice"), right=True),
    Column("vanished", Text("来源已无", "vanished"), right=True),
    Column("withdrawn", Text("下线", "offline"), right=True),
    Column("released", Text("发布", "published"), right=True),
    Column("waiting", Text("待补全", "waiting"), right=True),
)
_RUNS = (
    Column("id", Text("采集", "harvest"), whole=True),
    Column("source", Text("目录", "catalog")),
    Column("state", Text("状态", "state")),
    *_COUNTS,
)
_RECORDS = (
    Column("guid", Text("标识", "guid"), whole=True),
    Column("title", Text("名称", "title")),
    Column("state", Text("状态", "state")),
    Column("resource_id", Text("目录条目", "entry"), whole=True),
    Column("reason", Text("原因", "reason")),
)
_OUTCOMES = (
    Column("guid", Text("标识", "guid"), whole=True),
    Column("kind", Text("结果", "outcome")),
    Column("title", Text("名称", "title")),
    Column("reason", Text("原因", "reason")),
)
_RULES = (
    Column("kind", Text("项目", "kind")),
    Column("value", Text("来源用词", "word of the source")),
    Column("target", Text("对应", "here")),
    Column("decided_by", Text("确定人（空为推测）", "decided by (empty: guessed)")),
)
_FILES = (
    Column("id", Text("标识", "id"), whole=True),
    Column("guid", Text("记录", "record")),
    Column("url", Text("下载地址", "address")),
    Column("table", Text("表", "table")),
    Column("run", Text("任务", "run"), whole=True),
    Column("error", Text("原因", "reason")),
)
_WORDS: dict[str, Any] = {"state": RecordState, "kind": OutcomeKind}
_SOURCE = typer.Argument(help="Source that is a catalog: name or id.")


def harvest(get: Callable[[], Harvests]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Other catalogs: plan, run, look at records, map their words.", no_args_is_help=True)
    _add_runs(group, get)
    _add_records(group, get)
    _add_setup(group, get)
    _add_files(group, get)
    return group


def _add_runs(group: typer.Typer, get: Callable[[], Harvests]) -> None:
    @group.command("plan")
    def plan(
        source: str = _SOURCE,
        most: int = typer.Option(1000, min=1, max=1_000_000, help="Records to look at."),
        person: str = AS,
    ) -> None:
        """Say what a harvest would add, change and fail at, without doing it."""
        harvests = get()
        with progress(Text("查看对方目录", "Looking at the catalog")):
            found = harvests.plan(_actor(harvests, person), source, most=most)
        _show_plan(found)

    @group.command("run")
    def run(
        source: str = _SOURCE,
        accept_vanished: bool = typer.Option(
            False, "--accept-vanished", help="Mark what did not come as vanished, however much it is."
        ),
        go_on: bool = typer.Option(False, "--go-on", help="Begin where the last harvest failed or was cancelled."),
        person: str = AS,
    ) -> None:
        """Harvest a catalog. Killed half-way, the same command goes on at the page where it stopped."""
        harvests = get()
        actor = _actor(harvests, person)
        run_id = harvests.run(actor, source, accept_vanished=accept_vanished, go_on=go_on)
        with progress(Text("采集", "Harvesting")) as bar:

            def moved(job: Job) -> None:
                bar.update(job.progress.done, job.progress.total, job.progress.note.in_language(language()))

            found = harvests.wait(actor, run_id, moved)
        _show_run(found)
        if found.state in {HarvestState.FAILED, HarvestState.CANCELLED}:
            error = found.error or {"code": found.state.value, "zh": "采集没有完成。", "en": "The harvest did not end."}
            raise Invalid(str(error["zh"]), str(error["en"]), code=str(error["code"]), detail={"run": found.id})

    @group.command("runs")
    def runs(
        source: str = typer.Argument("", help="Source: name or id; all if empty."),
        limit: int = typer.Option(50, min=1, max=500, help="How many to show, newest first."),
        person: str = AS,
    ) -> None:
        """List harvests, newest first."""
        harvests = get()
        found = harvests.runs(_actor(harvests, person), source or None, limit)
        show([_summary(r) for r in found], _RUNS)

    @group.command("show")
    def show_(run_id: str = typer.Argument(help="Id of the harvest."), person: str = AS) -> None:
        """Show one harvest with its counts and warnings."""
        harvests = get()
        _show_run(harvests.harvest(_actor(harvests, person), run_id))

    @group.command("cancel")
    def cancel(run_id: str = typer.Argument(help="Id of the harvest."), person: str = AS) -> None:
        """Stop a harvest after its page; what it brought stays."""
        harvests = get()
        _show_run(harvests.cancel(_actor(harvests, person), run_id))

    @group.command("report")
    def report(
        run_id: str = typer.Argument(help="Id of the harvest."),
        kind: Annotated[OutcomeKind | None, typer.Option(help="Only this outcome.")] = None,
        out: Annotated[Path | None, typer.Option(help="Write all of it as CSV.")] = None,
        limit: int = typer.Option(100, min=1, max=1000, help="How many to show."),
        person: str = AS,
    ) -> None:
        """Show what became of each record that was not simply unchanged, with reasons."""
        harvests = get()
        actor = _actor(harvests, person)
        if out is not None:
            with out.open("w", encoding="utf-8", newline="") as file:
                file.writelines(harvests.report(actor, run_id))
            show({"out": str(out)})
            return
        found = harvests.outcomes(actor, run_id, kind=kind, limit=limit)
        show([_reasoned(o.to_json()) for o in found], _OUTCOMES)


def _add_records(group: typer.Typer, get: Callable[[], Harvests]) -> None:
    @group.command("records")
    def records(  # filters
        source: str = _SOURCE,
        state: Annotated[RecordState | None, typer.Option(help="Only in this state.")] = None,
        search: str = typer.Option("", help="Words in title or guid."),
        after: str = typer.Option("", help="Begin after this guid."),
        limit: int = typer.Option(100, min=1, max=1000, help="How many to show."),
        person: str = AS,
    ) -> None:
        """List the records of a catalog and what they became here."""
        harvests = get()
        actor = _actor(harvests, person)
        found = harvests.records(actor, source, state=state, search=search, after=after, limit=limit)
        show([_reasoned(r.to_json()) for r in found], _RECORDS)

    @group.command("record")
    def record(
        source: str = _SOURCE,
        guid: str = typer.Argument(help="Identifier of the record at its source."),
        original: bool = typer.Option(False, "--original", help="Print it as the source gave it."),
        person: str = AS,
    ) -> None:
        """Show one record: its entry here, its links, and where the original is landed."""
        harvests = get()
        actor = _actor(harvests, person)
        if original:
            typer.echo(harvests.original(actor, source, guid))
            return
        show(harvests.record(actor, source, guid).to_json())


def _add_setup(group: typer.Typer, get: Callable[[], Harvests]) -> None:
    @group.command("trust")
    def trust(
        source: str = _SOURCE,
        no_more: bool = typer.Option(False, "--no-more", help="Take the trust back."),
        person: str = AS,
    ) -> None:
        """Vouch for a catalog: what it gives under an open licence is published in your name (publisher)."""
        harvests = get()
        show(harvests.trust(_actor(harvests, person), source, trusted=not no_more).to_json())

    @group.command("withdraw-after")
    def withdraw_after(
        source: str = _SOURCE,
        harvests_missed: int = typer.Argument(min=1, max=100, help="Harvests on end without the record."),
        person: str = AS,
    ) -> None:
        """Say after how many harvests without its record an entry is taken offline."""
        harvests = get()
        show(harvests.withdraw_after(_actor(harvests, person), source, harvests_missed).to_json())

    @group.command("words")
    def words(source: str = _SOURCE, person: str = AS) -> None:
        """List how words of the source are put into our terms: themes, licences, cycles, providers."""
        harvests = get()
        show([r.to_json() for r in harvests.rules(_actor(harvests, person), source)], _RULES)

    @group.command("map")
    def map_(
        source: Annotated[str, _SOURCE],
        kind: Annotated[MapKind, typer.Argument(help="What kind of word it is.")],
        value: Annotated[str, typer.Argument(help="The word of the source.")],
        target: Annotated[str, typer.Argument(help="Division, licence, cycle or organisation here; empty: none.")],
        person: str = AS,
    ) -> None:
        """Decide what a word of the source means here; the next harvest applies it."""
        harvests = get()
        rule = MapRule(kind=kind, value=value, target=target, decided_by="")
        show(harvests.decide(_actor(harvests, person), source, rule).to_json())


def _add_files(group: typer.Typer, get: Callable[[], Harvests]) -> None:
    @group.command("follow")
    def follow(
        source: str = _SOURCE,
        guid: str = typer.Argument(help="Identifier of the record."),
        url: str = typer.Argument(help="One of the record's links."),
        into: str = typer.Option(help="Table that takes the data."),
        person: str = AS,
    ) -> None:
        """Take the data of one link into a table, again with each harvest when they changed."""
        harvests = get()
        show(harvests.follow(_actor(harvests, person), source, guid, url, into).to_json())
        say(Text(f"下一步：beijiang ingest harvest fetch {source}", f"Next: beijiang ingest harvest fetch {source}"))

    @group.command("unfollow")
    def unfollow(
        source: str = _SOURCE, file_id: str = typer.Argument(help="Id of the followed link."), person: str = AS
    ) -> None:
        """Take a link's data no longer; the table stays."""
        harvests = get()
        harvests.unfollow(_actor(harvests, person), source, file_id)

    @group.command("files")
    def files(source: str = _SOURCE, person: str = AS) -> None:
        """List the links whose data are taken."""
        harvests = get()
        show([_failed(f.to_json()) for f in harvests.files(_actor(harvests, person), source)], _FILES)

    @group.command("fetch")
    def fetch(source: str = _SOURCE, person: str = AS) -> None:
        """Fetch the followed links that changed, now."""
        harvests = get()
        actor = _actor(harvests, person)
        with progress(Text("下载", "Fetching")):
            harvests.ingest.jobs.run_inline(harvests.fetch(actor, source))
            for file in harvests.files(actor, source):
                if file.run_id is not None and file.error is None:
                    harvests.ingest.wait(actor, file.run_id)
        show([_failed(f.to_json()) for f in harvests.files(actor, source)], _FILES)


def _actor(harvests: Harvests, person: str) -> Actor:
    return actor_of(harvests.ingest, person)


def _summary(run: HarvestRun) -> dict[str, Any]:
    if as_json():
        return run.to_json()
    counts = {column.key: run.counts.get(column.key, 0) for column in _COUNTS}
    return {"id": run.id, "source": run.source_name, "state": run.state.text.in_language(language()), **counts}


def _show_run(run: HarvestRun) -> None:
    show(_summary(run), _RUNS)
    for warning in run.warnings:
        say(Text(str(warning["zh"]), str(warning["en"])), always=True)
    if run.counts.get("failed") and not as_json():
        more = f"beijiang ingest harvest report {run.id} --kind failed"
        say(Text(f"失败的记录及原因：{more}", f"What failed, and why: {more}"))


def _show_plan(plan: HarvestPlan) -> None:
    if as_json():
        show(plan.to_json())
        return
    show(dict(plan.counts), _COUNTS)
    if plan.samples:
        show([_reasoned(s.to_json()) for s in plan.samples], _OUTCOMES)
    if plan.unmapped:
        show([{"kind": kind.value, "value": value, "target": ""} for kind, value in plan.unmapped], _RULES[:3])
    told = "?" if plan.total is None else f"{plan.total:,}"
    say(
        Text(
            f"看了 {plan.looked_at:,} 条，对方称共 {told} 条。未做任何改动。",
            f"Looked at {plan.looked_at:,} of {told} records. Nothing was changed.",
        )
    )


def _reasoned(facts: dict[str, Any]) -> dict[str, Any]:
    """Return a record or an outcome with its words in the reader's language."""
    if as_json():
        return facts
    worded = {name: kind(facts[name]).text.in_language(language()) for name, kind in _WORDS.items() if name in facts}
    reason = facts.get("reason")
    told = reason["zh" if str(language()).startswith("zh") else "en"] if isinstance(reason, dict) else ""
    return {**facts, **worded, "reason": told}


def _failed(facts: dict[str, Any]) -> dict[str, Any]:
    reason = facts.get("error")
    if as_json() or not isinstance(reason, dict):
        return facts
    return {**facts, "error": reason["zh" if str(language()).startswith("zh") else "en"]}
