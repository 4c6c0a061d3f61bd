"""``beijiang sources``, and the verbs of ``beijiang ingest`` that read from them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beijiang.ingest.commands.arrivals import add_files, show_files
from beijiang.ingest.commands.files import AS, actor_of, follow, organisation_of, show_run, why
from beijiang.ingest.commands.proving import add_proofs, show_proof
from beijiang.ingest.models import RunState, SourceDraft, SyncDraft, SyncMode
from beijiang.kit import Actor, Invalid, Refused, Text
from beijiang.outbound import Target, Use
from beijiang.terminal import Column, as_json, language, progress, say, show

if TYPE_CHECKING:
    from beijiang.ingest.models import SyncPlan
    from beijiang.ingest.service import Sources

__all__ = ["add_runs", "pairs", "secrets", "sources"]

_SOURCES = (
    Column("id", Text("标识", "id")),
    Column("name", Text("数据源", "source")),
    Column("kind", Text("种类", "kind")),
    Column("org_id", Text("部门", "organisation")),
    Column("secrets_set", Text("已设口令", "secrets set")),
)
_FEEDS = (
    Column("name", Text("表或视图", "table or view")),
    Column("comment", Text("说明", "comment")),
)
_COLUMNS = (
    Column("name", Text("列", "column")),
    Column("native", Text("源类型", "source's type")),
    Column("type", Text("类型", "type")),
    Column("comment", Text("说明", "comment")),
    Column("key", Text("主键", "key")),
    Column("cursor", Text("可作游标", "may be cursor")),
)
_PLAN = (
    Column("name", Text("列", "column")),
    Column("native", Text("源类型", "source's type")),
    Column("type", Text("类型", "type")),
    Column("state", Text("变化", "change")),
    Column("comment", Text("说明", "comment")),
)
_SYNCS = (
    Column("id", Text("编号", "id")),
    Column("source", Text("数据源", "source")),
    Column("feed", Text("取自", "from")),
    Column("table", Text("目标表", "table")),
    Column("mode", Text("方式", "mode")),
    Column("cursor", Text("游标", "cursor")),
    Column("deletes", Text("跟踪删除", "follows deletions")),
    Column("history", Text("保留历史", "keeps history")),
)
_TARGETS = (
    Column("id", Text("编号", "id")),
    Column("host", Text("主机", "host")),
    Column("port", Text("端口", "port"), right=True),
    Column("network", Text("网段", "network")),
    Column("folder", Text("目录", "folder")),
    Column("uses", Text("用途", "for")),
    Column("org_id", Text("部门", "department")),
    Column("plain_http", Text("明文", "plain http")),
    Column("reason", Text("理由", "reason")),
    Column("added_by", Text("放行人", "by")),
)
_OPTION = typer.Option("--option", "-o", help="NAME=VALUE of the source; again for more.")
_SECRET = typer.Option(
    "--secret", help="NAME: asked for at the terminal, or read from BEIJIANG_SECRET_NAME or standard input."
)


def sources(get: Callable[[], Sources]) -> typer.Typer:
    """Return the command group of sources."""
    group = typer.Typer(help="Sources: databases and services that tables are filled from.", no_args_is_help=True)
    _add_sources(group, get)
    _add_looks(group, get)
    _add_syncs(group, get)
    add_files(group, get)
    _add_targets(group, get)
    return group


def _add_sources(group: typer.Typer, get: Callable[[], Sources]) -> None:  # a list of small functions
    @group.command("kinds")
    def kinds(person: str = AS) -> None:
        """List the kinds of source and their options."""
        found = get().kinds(_actor(get(), person))
        show(found if as_json() else [_kind(k) for k in found], _KINDS)

    @group.command("add")
    def add(
        name: str = typer.Argument(help="Name of the source, as people call it."),
        kind: str = typer.Option(help="See beijiang sources kinds."),
        option: Annotated[list[str] | None, _OPTION] = None,
        secret: Annotated[list[str] | None, _SECRET] = None,
        org: str = typer.Option("", help="Department that it belongs to: id or name."),
        person: str = AS,
    ) -> None:
        """Register a source. Secrets are sealed and never shown again; they are no arguments of a command."""
        registry = get()
        actor = _actor(registry, person)
        org_id = organisation_of(registry.ingest, actor, org, "")
        options = {**pairs(option or ()), **secrets(secret or ())}
        source = registry.add(actor, SourceDraft(name=name, kind=kind, org_id=org_id, options=options))
        show(source.to_json())
        say(Text("下一步：beijiang sources test " + name, "Next: beijiang sources test " + name))

    @group.command("change")
    def change(
        name: str = typer.Argument(help="Source: name or id."),
        option: Annotated[list[str] | None, _OPTION] = None,
        secret: Annotated[list[str] | None, _SECRET] = None,
        person: str = AS,
    ) -> None:
        """Change options or secrets of a source; what is not named stays."""
        registry = get()
        options = {**pairs(option or ()), **secrets(secret or ())}
        show(registry.change(_actor(registry, person), name, options).to_json())

    @group.command("list")
    def list_(person: str = AS) -> None:
        """List the department's sources."""
        registry = get()
        show([s.to_json() for s in registry.sources(_actor(registry, person))], _SOURCES)

    @group.command("show")
    def show_(name: str = typer.Argument(help="Source: name or id."), person: str = AS) -> None:
        """Show one source; of its secrets only that they are set."""
        registry = get()
        show(registry.source(_actor(registry, person), name).to_json())

    @group.command("remove")
    def remove(name: str = typer.Argument(help="Source: name or id."), person: str = AS) -> None:
        """Forget a source with its secrets; tables and certificates stay."""
        registry = get()
        registry.remove(_actor(registry, person), name)

    @group.command("test")
    def test(name: str = typer.Argument(help="Source: name or id."), person: str = AS) -> None:
        """Connect, and list what can be read."""
        registry = get()
        with progress(Text("连接数据源", "Connecting")):
            feeds = registry.feeds(_actor(registry, person), name)
        show([{"name": f.name, "comment": f.comment} for f in feeds], _FEEDS)
        say(
            Text(
                f"连接正常，可读取 {len(feeds):,} 张表或视图。",
                f"It answers; {len(feeds):,} tables and views can be read.",
            )
        )

    @group.command("feed")
    def feed(
        name: str = typer.Argument(help="Source: name or id."),
        feed_name: str = typer.Argument(help="Table or view of the source."),
        person: str = AS,
    ) -> None:
        """Show the columns of one table or view of a source."""
        registry = get()
        found = registry.feed(_actor(registry, person), name, feed_name)
        rows = [
            {
                "name": c.name,
                "native": c.native,
                "type": c.spec.type.value,
                "comment": c.comment,
                "key": c.name in found.key,
                "cursor": c.is_cursor,
            }
            for c in found.columns
        ]
        show(rows, _COLUMNS)


def _add_looks(group: typer.Typer, get: Callable[[], Sources]) -> None:
    @group.command("preview")
    def preview(
        name: str = typer.Argument(help="Source: name or id."),
        feed: str = typer.Argument(help="Table or view of the source."),
        limit: int = typer.Option(20, min=1, max=100, help="How many rows."),
        person: str = AS,
    ) -> None:
        """Show the first rows of a table as they are now, and how it could be taken; nothing is stored."""
        registry = get()
        actor = _actor(registry, person)
        ((_, advice),) = registry.suggest(actor, name, [feed])
        found = registry.preview(actor, name, feed, limit=limit)
        if as_json():
            show({**found.to_json(), "suggestion": advice.to_json()})
            return
        columns = tuple(Column(c, Text(c, c)) for c in found.columns)
        show([dict(zip(found.columns, row, strict=True)) for row in found.rows], columns)
        for reason in advice.reasons:
            say(reason)


def _add_syncs(group: typer.Typer, get: Callable[[], Sources]) -> None:
    @group.command("take")
    def take(  # options of a command
        name: str = typer.Argument(help="Source: name or id."),
        feed_name: str = typer.Argument(help="Table or view of the source."),
        into: str = typer.Option(help="Table that takes the rows."),
        mode: Annotated[
            SyncMode,
            typer.Option(help="full: everything each time; incremental: by a cursor; capture: by the source's log."),
        ] = SyncMode.FULL,
        key: Annotated[
            list[str] | None, typer.Option(help="Column that identifies a row; the primary key if none.")
        ] = None,
        column: Annotated[list[str] | None, typer.Option(help="Only this column; again for more.")] = None,
        cursor: str = typer.Option("", help="Column that grows with every change (incremental)."),
        overlap: str = typer.Option(
            "", help="How far before the last position to read again: seconds, days or a number; auto learns it."
        ),
        deletes: bool = typer.Option(False, "--deletes", help="Compare all keys, so that deleted rows leave too."),
        deletes_every: int = typer.Option(1, min=1, help="Compare them at every so many runs only."),
        history: bool = typer.Option(
            False, "--history", help="Keep every state that a row ever had, from when and up to when it held."
        ),
        person: str = AS,
    ) -> None:
        """Say that a table or view of a source is to be taken into a table here."""
        registry = get()
        draft = SyncDraft(
            source_id=name,
            feed=feed_name,
            table=into,
            mode=mode,
            key=tuple(key or ()),
            columns=tuple(column or ()),
            cursor=cursor,
            overlap=overlap,
            deletes=deletes,
            deletes_every=deletes_every,
            history=history,
        )
        show(registry.take(_actor(registry, person), draft).to_json())
        say(Text(f"下一步：beijiang ingest plan {into}", f"Next: beijiang ingest plan {into}"))

    @group.command("syncs")
    def syncs(name: str = typer.Argument("", help="Source: name or id; all if empty."), person: str = AS) -> None:
        """List what is taken into which table."""
        registry = get()
        show([s.to_json() for s in registry.syncs(_actor(registry, person), name or None)], _SYNCS)

    @group.command("leave")
    def leave(
        table: str = typer.Argument(help="Table, or id of the sync."),
        abandon: bool = typer.Option(False, "--abandon", help="Also where the source cannot be told to drop its log."),
        person: str = AS,
    ) -> None:
        """Stop filling a table from its source; the table stays. A log that was followed is let go of at the source."""
        registry = get()
        registry.leave(_actor(registry, person), table, abandon=abandon)


def _add_targets(group: typer.Typer, get: Callable[[], Sources]) -> None:
    @group.command("targets")
    def targets(person: str = AS) -> None:
        """List machines and folders that may be reached, for what and by whom."""
        registry = get()
        show([t.to_json() for t in registry.targets(_actor(registry, person))], _TARGETS)

    @group.command("allow")
    def allow(
        reason: str = typer.Option(help="Why it is opened."),
        host: str = typer.Option("", help="Host, as sources name it."),
        port: int = typer.Option(0, help="Port."),
        network: str = typer.Option("", help="Addresses that the host may have: 10.6.1.20/32."),
        folder: str = typer.Option("", help="Or a folder of this machine, as an absolute path."),
        use: Annotated[
            list[Use] | None, typer.Option(help="What for; several may be given. Reading, unless said.")
        ] = None,
        org: str = typer.Option("", help="The department that it is open to; all, unless said."),
        plain_http: bool = typer.Option(False, "--plain-http", help="Rows may be pushed there over http, unprotected."),
        person: str = AS,
    ) -> None:
        """Open one inner machine and port, or one folder (security administrator)."""
        registry = get()
        target = Target(
            host=host,
            port=port,
            network=network,
            folder=folder,
            uses=frozenset(use or [Use.READ]),
            org_id=org,
            plain_http=plain_http,
        )
        show(registry.allow(_actor(registry, person), target, reason).to_json())

    @group.command("close")
    def close(target: str = typer.Argument(help="Id of the target."), person: str = AS) -> None:
        """Close a target again (security administrator)."""
        registry = get()
        registry.close_target(_actor(registry, person), target)

    @group.command("rotate")
    def rotate(person: str = AS) -> None:
        """Make a new root key and wrap all secrets under it (security administrator)."""
        registry = get()
        show({"secrets": registry.rotate(_actor(registry, person))})


_KINDS = (
    Column("kind", Text("种类", "kind")),
    Column("text", Text("说明", "what it is")),
    Column("options", Text("选项", "options")),
    Column("secrets", Text("口令项", "secrets")),
)


def add_runs(group: typer.Typer, get: Callable[[], Sources]) -> None:
    """Add the verbs that read from sources to ``beijiang ingest``."""

    @group.command("plan")
    def plan(
        source: str = typer.Argument(help="Table, sync, or a source of which one feed is taken."),
        whole: bool = typer.Option(False, "--whole", help="As if everything were read again."),
        person: str = AS,
    ) -> None:
        """Say what a run from a source would create, change and read, without doing it."""
        registry = get()
        with progress(Text("查看数据源", "Looking at the source")):
            found = registry.plan(_actor(registry, person), source, whole=whole)
        if as_json():
            show(found.to_json())
            return
        if found.sync.files is not None:
            show_files(found)
            return
        show([_planned(c, creates=found.creates) for c in found.columns], _PLAN)
        rows = "?" if found.rows is None else f"{found.rows:,}"
        start = (
            ""
            if found.start is None
            else Text(f"，自 {found.start} 起", f", from {found.start}").in_language(language())
        )
        say(
            Text(
                f"将读取 {rows} 行到表“{found.sync.table}”{start}。",
                f'{rows} rows would be read into table "{found.sync.table}"{start}.',
            )
        )
        _say_more(found)
        for warning in found.warnings:
            say(warning)
        if found.stops:
            raise Refused(found.stops, found.stops, code="schema_change_stops")

    @group.command("sync")
    def sync(
        source: str = typer.Argument(help="Table, sync, or a source of which one feed is taken."),
        whole: bool = typer.Option(False, "--whole", help="Read everything again, not only what is new."),
        reason: str = typer.Option("", help="Why; kept in the table's history."),
        person: str = AS,
    ) -> None:
        """Read from a source into its table, and certify that all of it arrived."""
        registry = get()
        actor = _actor(registry, person)
        run = follow(registry.ingest, actor, registry.run(actor, source, whole=whole, reason=reason))
        if run.state is not RunState.COMMITTED:
            show_run(run)
            raise why(run)
        proof = registry.certificate(actor, run.id)
        if as_json():
            show({**run.to_json(), "certificate": None if proof is None else proof.to_json()})
            return
        show_run(run)
        if proof is not None:
            show_proof(proof)

    add_proofs(group, get)


def _say_more(plan: SyncPlan) -> None:
    if plan.overlap is not None:
        size, reason = plan.overlap.size, plan.overlap.why
        say(Text(f"重叠 {size}：{reason.zh}", f"Overlap {size}: {reason.en}"))
    if plan.compares_keys:
        say(Text("将比对全部主键。", "All keys would be compared."))
    if plan.states is not None:
        held = plan.states.held
        begins, ends = ("?" if n is None else f"{n:,}" for n in (plan.states.begins, plan.states.ends))
        say(
            Text(
                f"保留历史：现有 {held:,} 个成立的状态，将新增 {begins} 个，结束 {ends} 个（? 表示取数时才知道）。",
                f"Keeps history: {held:,} states hold now; {begins} would begin and {ends} would end (?: only the run can tell).",
            )
        )
    for found in plan.affected:
        kind, name, text = found.kind.text, found.name, found.text
        say(Text(f"受影响 · {kind.zh}“{name}”：{text.zh}", f'Affected, {kind.en} "{name}": {text.en}'))


def _actor(registry: Sources, person: str) -> Actor:
    return actor_of(registry.ingest, person)


def pairs(words: Sequence[str]) -> dict[str, Any]:
    """Read NAME=VALUE as typed at the terminal."""
    pairs: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            raise Invalid(
                f"选项“{word}”应写作 名称=值。", f'Write the option "{word}" as NAME=VALUE.', code="bad_options"
            )
        pairs[name] = value
    return pairs


def secrets(names: Sequence[str]) -> dict[str, str]:
    """Read secrets from the environment, the terminal or standard input; never from the command line."""
    found = {}
    for name in names:
        given = os.environ.get(f"BEIJIANG_SECRET_{name.upper()}")
        if given is None and sys.stdin.isatty():
            given = typer.prompt(name, hide_input=True)
        found[name] = sys.stdin.readline().rstrip("\n") if given is None else given
    return found


def _kind(kind: dict[str, Any]) -> dict[str, Any]:
    schema = kind["options"]
    needed = set(schema.get("required", ()))
    names = [n + ("*" if n in needed else "") for n in schema["properties"] if n not in kind["secrets"]]
    return {
        **kind,
        "text": kind["text"][str(language())[:2]],
        "options": ", ".join(names),
        "secrets": ", ".join(kind["secrets"]),
    }


def _planned(column: Any, *, creates: bool) -> dict[str, Any]:
    state = Text("", "")
    if not creates and not column["known"]:
        state = Text("新增", "new")
    elif column["changed"]:
        state = Text("类型改变", "type changes")
    return {**column, "state": state.in_language(language())}
