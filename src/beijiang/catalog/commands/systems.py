"""``beijiang systems``: the inventory of government systems, and the negative list."""

# ruff: noqa: B008 - Typer reads options from defaults
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.catalog.commands.directory import form_of
from beijiang.catalog.commands.whom import AS, actor_of
from beijiang.catalog.models import SYSTEM_COLUMNS, Network, SystemDraft, SystemQuery, SystemState
from beijiang.catalog.plain import as_plain
from beijiang.kit import Text
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog.models import GovernmentSystem
    from beijiang.catalog.service import Inventory

__all__ = ["commands"]

_SYSTEMS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("org", Text("部门", "department")),
    Column("name", Text("系统", "system")),
    Column("state", Text("状态", "state")),
    Column("network", Text("网络", "network"), spare=True),
    Column("since", Text("启用", "since"), spare=True),
    Column("entries", Text("目录数", "entries"), right=True),
)
_COVERAGE = (
    Column("org_id", Text("部门", "department")),
    Column("covered", Text("已编目", "with an entry"), right=True),
    Column("in_use", Text("在用", "in use"), right=True),
)
_NEGATIVE = (
    Column("org_id", Text("部门", "department")),
    Column("name", Text("信息资源", "resource")),
    Column("item", Text("信息项", "item")),
    Column("basis", Text("依据", "basis")),
)
_FAULTS = (
    Column("line", Text("行", "line"), right=True),
    Column("field", Text("列", "column")),
    Column("what", Text("问题", "what is wrong")),
)
_ID = typer.Argument(help="Id of the system.")
_ENTRY = typer.Argument(help="Id of the catalog entry.")


def commands(get: Callable[[], Inventory], get_access: Callable[[], Access]) -> typer.Typer:
    """Return the group."""
    app = typer.Typer(help="The inventory of government systems, and what is not shared.", no_args_is_help=True)

    @app.command("list")
    def listed(
        words: str = typer.Argument("", help="Part of the name."),
        org: str = typer.Option("", help="Only of this organisation."),
        state: SystemState | None = typer.Option(None, help="Only in this state."),
        bare: bool = typer.Option(False, help="Only those without any entry."),
        limit: int = typer.Option(100, min=1, max=1000),
        person: str = AS,
    ) -> None:
        """List the systems of the departments."""
        query = SystemQuery(words=words, org_id=org or None, state=state, bare=bare)
        found, count = get().systems(actor_of(get_access, person), query, limit=limit)
        show([as_plain(one) if as_json() else _line(one) for one in found], _SYSTEMS)
        if count > len(found):
            say(
                Text(
                    f"共 {count} 个，显示 {len(found)} 个；用 --limit 看更多。",
                    f"{len(found)} of {count}; see --limit.",
                )
            )

    @app.command()
    def add(
        name: str = typer.Argument(help="Name of the system."),
        purpose: str = typer.Option("", help="What it is for."),
        state: SystemState = typer.Option(SystemState.IN_USE),
        network: Network = typer.Option(Network.EXTRANET),
        database: str = typer.Option("", help="What its data are in."),
        contact: str = typer.Option(""),
        org: str = typer.Option("", help="The department; without it one's own."),
        person: str = AS,
    ) -> None:
        """Put a system into the inventory."""
        draft = SystemDraft(
            name=name, purpose=purpose, state=state, network=network, database=database, contact=contact
        )
        _tell(get().add(actor_of(get_access, person), draft, org or None))

    @app.command()
    def link(system: str = _ID, entry: str = _ENTRY, person: str = AS) -> None:
        """Say that a catalog entry describes data of a system."""
        _tell(get().link(actor_of(get_access, person), system, entry))

    @app.command()
    def unlink(system: str = _ID, entry: str = _ENTRY, person: str = AS) -> None:
        """Take such a link back."""
        _tell(get().unlink(actor_of(get_access, person), system, entry))

    @app.command()
    def coverage(org: str = typer.Option(""), person: str = AS) -> None:
        """Show how many systems in use have an entry, per department."""
        show([as_plain(one) for one in get().coverage(actor_of(get_access, person), org or None)], _COVERAGE)

    @app.command()
    def negative(org: str = typer.Option(""), person: str = AS) -> None:
        """Show the negative list: what is not shared, with its basis."""
        show([as_plain(one) for one in get().negative(actor_of(get_access, person), org or None)], _NEGATIVE)

    _add_files(app, get, get_access)
    return app


def _add_files(app: typer.Typer, get: Callable[[], Inventory], get_access: Callable[[], Access]) -> None:
    @app.command("export")
    def export(
        path: Path = typer.Argument(help="File to write: .xlsx, .csv or .pdf.", dir_okay=False),
        negative: bool = typer.Option(False, help="The negative list instead."),
        person: str = AS,
    ) -> None:
        """Write the inventory, or the negative list, as a file."""
        actor, form = actor_of(get_access, person), form_of(path)
        make = get().export_negative if negative else get().export
        path.write_bytes(make(actor, form, language=language()))
        say(Text(f"已写入 {path}", f"Wrote {path}"))

    @app.command("import")
    def take(
        path: Path = typer.Argument(help="Spreadsheet or CSV file (UTF-8 or GBK).", exists=True, dir_okay=False),
        check: bool = typer.Option(False, help="Only say what it would do."),
        person: str = AS,
    ) -> None:
        """Add and change systems as a spreadsheet says, all of them or none; exit status 1 where anything is wrong."""
        taken = get().take(actor_of(get_access, person), path.read_bytes(), only_check=check)
        if as_json():
            show(as_plain(taken))
        else:
            added, changed, same = len(taken.added), len(taken.changed), len(taken.same)
            kept = Text("", "") if taken.done else Text("（没有保存）", " (nothing was kept)")
            say(
                Text(
                    f"新增 {added}，修改 {changed}，未变 {same}{kept.zh}",
                    f"{added} added, {changed} changed, {same} the same{kept.en}",
                ),
                always=True,
            )
            show([_fault(f.line, f.field, f.text) for f in taken.faults], _FAULTS)
        if taken.faults:
            raise typer.Exit(1)


def _fault(line: int, field: str, what: Text) -> dict[str, Any]:
    named = SYSTEM_COLUMNS[field].in_language(language()) if field in SYSTEM_COLUMNS else field
    return {"line": line, "field": named, "what": what.in_language(language())}


def _line(found: GovernmentSystem) -> dict[str, Any]:
    draft, tongue = found.draft, language()
    return {
        "id": found.id,
        "org": found.org_id,
        "name": draft.name,
        "state": draft.state.text.in_language(tongue),
        "network": draft.network.text.in_language(tongue),
        "since": draft.since.isoformat() if draft.since else "",
        "entries": len(found.entries),
    }


def _tell(found: GovernmentSystem) -> None:
    show(as_plain(found) if as_json() else [_line(found)], _SYSTEMS)
