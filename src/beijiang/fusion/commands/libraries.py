"""``beijiang libraries``: base and theme libraries, their sources, subjects, pairs and declared sources."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.fusion.commands.records import add_claims, add_decisions, add_subjects, word
from beijiang.fusion.models import Element, LibraryDraft, LinkDraft
from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.terminal import Column, asked_after, language, progress, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.fusion.models import FusionRun, Library, Link
    from beijiang.fusion.service import Fusion

__all__ = ["commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_LIBRARY = typer.Argument(help="Id of the library, or the table that it fills.")
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_FILE = typer.Argument(help="Library as JSON or TOML; see beijiang libraries draft.", exists=True, dir_okay=False)
_FIELDS_MAPPED = typer.Option([], "--map", help="Field of the library = column of the table; may be repeated.")

_SEEN = typer.Option(None, help="The `as_shown` of the source as you read it; without it you are shown and asked.")
_LIBRARIES = (
    Column("id", Text("标识", "id"), spare=True),
    Column("target", Text("库表", "table"), whole=True),
    Column("name", Text("名称", "name")),
    Column("kind", Text("种类", "kind")),
    Column("org_id", Text("主管部门", "keeper")),
    Column("key", Text("主键", "key")),
    Column("matching", Text("匹配模型", "matching")),
    Column("elements", Text("数据项", "fields"), right=True),
    Column("revision", Text("修订", "revision"), right=True),
)
_SOURCES = (
    Column("id", Text("标识", "id"), whole=True),
    Column("table", Text("来源表", "table"), whole=True),
    Column("org_id", Text("部门", "department")),
    Column("priority", Text("优先级", "priority"), right=True),
    Column("fields", Text("字段数", "fields"), right=True),
    Column("state", Text("状态", "state")),
)
_RUNS = (
    Column("id", Text("标识", "id"), spare=True),
    Column("at", Text("时间", "at")),
    Column("trigger", Text("起因", "because")),
    Column("version", Text("版本", "version"), right=True),
    Column("records", Text("记录", "records"), right=True),
    Column("subjects", Text("主体", "subjects"), right=True),
    Column("matched", Text("相似匹配", "matched"), right=True),
    Column("waiting", Text("待判定", "waiting"), right=True),
    Column("seconds", Text("秒", "seconds"), right=True),
    Column("error", Text("错误", "error")),
)
_FIELDS = (
    Column("name", Text("字段", "field"), whole=True),
    Column("choosing", Text("取值规则", "value by")),
    Column("filled", Text("有值", "filled"), right=True),
    Column("conflicting", Text("有分歧", "in dispute"), right=True),
)


def commands(get: Callable[[], Fusion], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(
        help="Base and theme libraries: one record for each person, firm and place.", no_args_is_help=True
    )

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """Show the libraries in force."""
        show([_library(one) for one in get().libraries(who(person))], _LIBRARIES)

    @group.command("draft")
    def draft(kind: str = typer.Argument(help="Kind of library, as population."), person: str = _AS) -> None:
        """Print a library as the standards would have it (JSON), to be looked over and declared."""
        typer.echo(json.dumps(get().draft(who(person), kind).to_json(), ensure_ascii=False, indent=2))

    @group.command("declare")
    def declare(file: Path = _FILE, reason: str = typer.Option("", help="Why."), person: str = _AS) -> None:
        """Put a library in force; it fills a table of its own."""
        show([_library(get().declare(who(person), _draft(file), reason))], _LIBRARIES)

    @group.command("change")
    def change(library: str = _LIBRARY, file: Path = _FILE, reason: str = _REASON, person: str = _AS) -> None:
        """Make a new revision of a library."""
        show([_library(get().change(who(person), library, _draft(file), reason))], _LIBRARIES)

    @group.command("retire")
    def retire(library: str = _LIBRARY, reason: str = _REASON, person: str = _AS) -> None:
        """Let a library run no more; its tables stay."""
        ended = get().retire(who(person), library, reason)
        say(Text(f"“{ended.name}”已停用。", f'"{ended.name}" is retired.'))

    @group.command("export")
    def export(library: str = _LIBRARY, person: str = _AS) -> None:
        """Print a library as JSON, to be saved, compared and declared elsewhere."""
        typer.echo(json.dumps(get().library(who(person), library).to_json(), ensure_ascii=False, indent=2))

    _add_runs(group, get, who)
    _add_sources(group, get, who)
    add_subjects(group, get, who)
    add_decisions(group, get, who)
    add_claims(group, get, who)
    return group


def _add_runs(group: typer.Typer, get: Callable[[], Fusion], who: Callable[[str], Actor]) -> None:
    @group.command("run")
    def run(library: str = _LIBRARY, person: str = _AS) -> None:
        """Run a library now."""
        with progress(Text("归集", "uniting")) as bar:
            done = get().run_now(who(person), library, lambda job: bar.update(job.progress.done, job.progress.total))
        show([_run(done)], _RUNS)

    @group.command("runs")
    def runs(library: str = _LIBRARY, person: str = _AS) -> None:
        """Show the runs of a library, newest first."""
        show([_run(one) for one in get().runs(who(person), library)], _RUNS)

    @group.command("report")
    def report(library: str = _LIBRARY, person: str = _AS) -> None:
        """Show, field by field, how many subjects have a value and for how many the sources disagree."""
        actor = who(person)
        found = get().library(actor, library)
        newest = next((one for one in get().runs(actor, found.id) if one.version is not None), None)
        ways = {one.name: word(one.choosing) for one in found.elements}
        fields = newest.fields if newest else ()
        show([{"name": f.name, "choosing": ways.get(f.name, ""), "filled": f.filled, "conflicting": f.conflicting} for f in fields], _FIELDS)  # fmt: skip


def _add_sources(group: typer.Typer, get: Callable[[], Fusion], who: Callable[[str], Actor]) -> None:
    @group.command("sources")
    def sources(library: str = _LIBRARY, person: str = _AS) -> None:
        """Show the sources of a library and where the agreements stand."""
        show([_link(one) for one in get().links(who(person), library)], _SOURCES)

    @group.command("offer")
    def offer(
        library: str = _LIBRARY,
        table: str = typer.Argument(help="Name of the table."),
        mapped: list[str] = _FIELDS_MAPPED,
        priority: int = typer.Option(5, min=1, max=98, help="1 comes first."),
        key: list[str] = typer.Option([], help="Columns that name a row; else the table's own key."),  # noqa: B008
        seen: str = typer.Option("", help="Column that says when a row was last true."),
        person: str = _AS,
    ) -> None:
        """Offer a table to a library; without --map its columns are taken by their names."""
        actor = who(person)
        columns = dict(_pair_of(one) for one in mapped) or dict(get().suggest(actor, library, table))
        draft = LinkDraft(table=table, columns=columns, priority=priority, key=tuple(key), seen=seen)
        show([_link(get().propose(actor, library, draft))], _SOURCES)

    @group.command("agree")
    def agree(source: str = typer.Argument(help="Id of the source."), seen: str = _SEEN, person: str = _AS) -> None:
        """Agree to a source that the other side proposed. Without --seen it is shown first."""
        actor = who(person)
        if seen is None:
            found = get().source(actor, source)
            told = {**_link(found), "columns": dict(found.columns), "reason": found.reason}
            seen = asked_after(lambda: show(told, _SOURCES), found.shown.token)
        show([_link(get().agree(actor, source, seen=seen))], _SOURCES)

    @group.command("end-source")
    def end(source: str = typer.Argument(help="Id of the source."), reason: str = _REASON, person: str = _AS) -> None:
        """End a source, as either side may."""
        show([_link(get().end(who(person), source, reason))], _SOURCES)


def _pair_of(text: str) -> tuple[str, str]:
    field, sign, column = text.partition("=")
    if not sign:
        raise Invalid(f"“{text[:60]}”应写作 字段=列。", f'"{text[:60]}" is no field=column.', code="bad_mapping")
    return field.strip(), column.strip()


def _draft(file: Path) -> LibraryDraft:
    """Read a library from a file; the keys are those of the JSON API."""
    try:
        text = file.read_text("utf-8")
        body: dict[str, Any] = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
        return LibraryDraft(
            kind=str(body["kind"]),
            name=str(body.get("name", "")),
            target=str(body.get("target", "")),
            elements=tuple(Element.from_json(one) for one in body["elements"]),
            key=tuple(map(str, body.get("key", []))),
            matching=str(body.get("matching", "")),
            certain=float(body.get("certain", 0.99)),
            grey=float(body.get("grey", 0.6)),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Invalid(
            f"读不懂 {file.name}：应为 JSON 或 TOML，写法见 beijiang libraries draft。",
            f"{file.name} is no library: JSON or TOML as beijiang libraries draft prints it.",
            code="library_file",
        ) from None


def _library(one: Library) -> dict[str, Any]:
    return {
        "id": one.id,
        "target": one.target,
        "name": one.name,
        "kind": one.kind,
        "org_id": one.org_id,
        "key": "、".join(one.key),
        "matching": one.matching,
        "elements": len(one.elements),
        "revision": one.revision,
    }


def _link(one: Link) -> dict[str, Any]:
    return {
        "id": one.id,
        "table": one.table,
        "org_id": one.org_id,
        "priority": one.priority,
        "fields": len(one.columns),
        "state": word(one.state),
        "as_shown": one.shown.token,
    }


def _run(run: FusionRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "at": run.at.isoformat(timespec="seconds"),
        "trigger": word(run.trigger),
        "version": run.version,
        "records": run.records,
        "subjects": run.subjects,
        "matched": run.matched,
        "waiting": run.waiting,
        "seconds": round(run.seconds, 1),
        "error": "" if run.error is None else run.error.in_language(language()),
    }
