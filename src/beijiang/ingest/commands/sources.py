"""``beijiang sources``, and the verbs of ``beijiang ingest`` that read from them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beijiang.ingest.commands.files import AS, actor_of, follow, organisation_of, show_run, why
from beijiang.ingest.models import RunState, SourceDraft, SyncDraft, SyncMode, Verdict
from beijiang.kit import Actor, Invalid, Refused, Text
from beijiang.outbound import Target
from beijiang.terminal import Column, as_json, language, progress, say, show

if TYPE_CHECKING:
    from beijiang.ingest.models import Certificate
    from beijiang.ingest.service import Sources

__all__ = ["add_runs", "sources"]

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
)
_TARGETS = (
    Column("id", Text("编号", "id")),
    Column("host", Text("主机", "host")),
    Column("port", Text("端口", "port"), right=True),
    Column("network", Text("网段", "network")),
    Column("folder", Text("目录", "folder")),
    Column("reason", Text("理由", "reason")),
    Column("added_by", Text("放行人", "by")),
)
_PROOF = (
    Column("sync", Text("取数任务", "sync")),
    Column("table", Text("表", "table")),
    Column("version", Text("版本", "version")),
    Column("verdict", Text("结论", "verdict")),
    Column("source_rows", Text("源端行数", "rows at the source")),
    Column("held_rows", Text("表内行数", "rows in the table")),
    Column("set_aside", Text("隔离", "set aside")),
    Column("checksum", Text("校验和", "checksum")),
    Column("differences_found", Text("差异行", "rows that differ")),
)
_DIFFERENCES = (
    Column("kind", Text("差异", "difference")),
    Column("key", Text("主键", "key")),
    Column("columns", Text("不同的列", "columns")),
)
_OPTION = typer.Option("--option", "-o", help="NAME=VALUE of the source; again for more.")
_SECRET = typer.Option(
    "--secret", help="NAME: asked for at the terminal, or read from BEIJIANG_SECRET_NAME or standard input."
)


def sources(get: Callable[[], Sources]) -> typer.Typer:
    """Return the command group of sources."""
    group = typer.Typer(help="Sources: databases and services that tables are filled from.", no_args_is_help=True)
    _add_sources(group, get)
    _add_syncs(group, get)
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
        options = {**_pairs(option or ()), **_secrets(secret or ())}
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
        options = {**_pairs(option or ()), **_secrets(secret or ())}
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


def _add_syncs(group: typer.Typer, get: Callable[[], Sources]) -> None:
    @group.command("take")
    def take(  # noqa: PLR0913, PLR0917  # options of a command
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
            "", help="How far before the last position to read again: seconds, days or a number."
        ),
        deletes: bool = typer.Option(False, "--deletes", help="Compare all keys, so that deleted rows leave too."),
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
        """List inner machines and folders that sources may be read from."""
        registry = get()
        show([t.to_json() for t in registry.targets(_actor(registry, person))], _TARGETS)

    @group.command("allow")
    def allow(
        reason: str = typer.Option(help="Why it is opened."),
        host: str = typer.Option("", help="Host, as sources name it."),
        port: int = typer.Option(0, help="Port."),
        network: str = typer.Option("", help="Addresses that the host may have: 10.6.1.20/32."),
        folder: str = typer.Option("", help="Or a folder of this machine, as an absolute path."),
        person: str = AS,
    ) -> None:
        """Open one inner machine and port, or one folder, to sources (security administrator)."""
        registry = get()
        target = Target(host=host, port=port, network=network, folder=folder)
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
            _show_proof(proof)

    _add_proofs(group, get)


def _add_proofs(group: typer.Typer, get: Callable[[], Sources]) -> None:
    @group.command("verify")
    def verify(
        source: str = typer.Argument(help="Table, sync, or a source of which one feed is taken."),
        repair: bool = typer.Option(False, "--repair", help="Read everything again where something differs."),
        person: str = AS,
    ) -> None:
        """Hold a whole table against its source as it is now. Exit status 1 where rows differ."""
        registry = get()
        actor = _actor(registry, person)
        with progress(Text("核对两边的数据", "Comparing both sides")):
            proof = registry.verify(actor, source)
        if repair and proof.verdict is not Verdict.EQUAL:
            _show_proof(proof)
            run = follow(
                registry.ingest, actor, registry.run(actor, source, whole=True, reason="修复核对发现的差异 / repair")
            )
            if run.state is not RunState.COMMITTED:
                raise why(run)
            proof = registry.verify(actor, source)
        if as_json():
            show(proof.to_json())
        else:
            _show_proof(proof)
        if proof.verdict is Verdict.DIFFERENT:
            raise Refused(
                "两边的数据不一致，差异已列出。下一次取数会带来源端的更新；加 --repair 立即全部重取。",
                "The two sides differ; see the list. The next run brings what changed at the source; --repair reads everything again now.",
                code="rows_differ",
                detail={"certificate": proof.id},
            )

    @group.command("certificates")
    def certificates(
        source: str = typer.Argument("", help="Table, sync or source; all if empty."),
        limit: int = typer.Option(20, min=1, max=500, help="How many, newest first."),
        person: str = AS,
    ) -> None:
        """List certificates, newest first."""
        registry = get()
        found = registry.certificates(_actor(registry, person), source or None, limit)
        show([c.to_json() for c in found] if as_json() else [_proof(c) for c in found], _PROOF)


def _actor(registry: Sources, person: str) -> Actor:
    return actor_of(registry.ingest, person)


def _pairs(words: Sequence[str]) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            raise Invalid(
                f"选项“{word}”应写作 名称=值。", f'Write the option "{word}" as NAME=VALUE.', code="bad_options"
            )
        pairs[name] = value.split(",") if name.endswith("s") and name == "schemas" else value
    return pairs


def _secrets(names: Sequence[str]) -> dict[str, str]:
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


def _proof(proof: Certificate) -> dict[str, Any]:
    body: Any = proof.body
    return {
        "sync": proof.sync_id,
        "table": proof.table,
        "version": proof.version,
        "verdict": proof.verdict.text.in_language(language()),
        "source_rows": body["source"]["rows"],
        "held_rows": body["held"]["rows"],
        "set_aside": body["set_aside"],
        "checksum": body["held"]["checksum"][:16],
        "differences_found": body["differences_found"],
    }


def _show_proof(proof: Certificate) -> None:
    show(_proof(proof), _PROOF)
    found: Any = proof.body["differences"]
    if found:
        show(
            [{**d, "key": " | ".join(k or "" for k in d["key"]), "columns": ", ".join(d["columns"])} for d in found],
            _DIFFERENCES,
        )
