"""``beijiang graphs``: declare graphs of enterprises, find parties, ask, and write answers to files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.mining.errors import draft_unfit
from beijiang.mining.models import Asked, GraphDraft, GraphFile, Question, Relation, per_cent
from beijiang.mining.plain import shown_json
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.mining.models import Party, RelationGraph, Shown, Summary
    from beijiang.mining.service import Graphs

__all__ = ["commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_GRAPH = typer.Argument(help="Id of the graph.")
_QUESTION = typer.Argument(help="What is asked.")
_BY = typer.Option(None, "--by", help="Relations that may join two parties; may be given several times.")
_OUTPUT = typer.Option(None, help="File to write: .svg, .csv, .graphml.")
_DRAFT = typer.Argument(help="File (JSON) with name, subjects and holdings, as GET /api/v1/graphs shows them.")
_GRAPHS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("organisation", Text("部门", "organisation")),
    Column("tables", Text("数据表", "tables")),
)
_PARTIES = (
    Column("ref", Text("编号", "ref"), whole=True),
    Column("name", Text("名称", "name")),
    Column("kind", Text("类别", "kind")),
    Column("share", Text("比例", "share")),
    Column("distance", Text("层级", "distance"), right=True),
    Column("why", Text("说明", "why"), spare=True),
)


def commands(get: Callable[[], Graphs], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(
        help="Graphs of enterprises: chains, controllers, circles, related parties.", no_args_is_help=True
    )

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """Show the graphs that one may use."""
        show([_graph(one) for one in get().graphs(who(person))], _GRAPHS)

    @group.command("show")
    def show_(graph: str = _GRAPH, person: str = _AS) -> None:
        """Show what a graph is made of: versions, counts, rows set aside, columns that are masked."""
        show(_facts(get().summary(who(person), graph)))

    @group.command("preview")
    def preview(draft: Path = _DRAFT, person: str = _AS) -> None:
        """Show what a graph would be made of; nothing is declared."""
        show(_facts(get().try_out(who(person), _read(draft))))

    @group.command("declare")
    def declare(draft: Path = _DRAFT, person: str = _AS) -> None:
        """Declare a graph on governed tables."""
        show(_graph(get().declare(who(person), _read(draft))), _GRAPHS)

    @group.command("remove")
    def remove(graph: str = _GRAPH, person: str = _AS) -> None:
        """Take a graph out of use; its revisions stay on record."""
        get().remove(who(person), graph)
        say(Text("已移除。", "It was removed."))

    @group.command("find")
    def find(graph: str = _GRAPH, words: str = typer.Argument(help="Part of a name."), person: str = _AS) -> None:
        """Find parties by name or credit code."""
        show([_party(one) for one in get().find(who(person), graph, words)], _PARTIES)

    @group.command("ask")
    def ask(
        graph: str = _GRAPH,
        question: Question = _QUESTION,
        party: str = typer.Argument("", help="Ref of the party that is asked about."),
        to: str = typer.Option("", help="Ref of the other party, for the shortest chain."),
        at: str = typer.Option("", help="Day (YYYY-MM-DD); without it today."),
        by: list[Relation] = _BY,
        output: Path = _OUTPUT,
        person: str = _AS,
    ) -> None:
        """Ask a graph; with --output the answer goes into a file."""
        asked = Asked(question=question, party=party, to=to, at=_day(at), by=tuple(by or ()))
        if output is None:
            _print(get().answer(who(person), graph, asked))
            return
        _, text, _ = get().file(who(person), graph, asked, _form(output), language())
        output.write_text(text, encoding="utf-8")
        say(Text(f"已写入 {output}。", f"Written to {output}."))

    return group


def _print(shown: Shown) -> None:
    if as_json():
        show(shown_json(shown))
        return
    show([_party(one) for one in shown.parties], _PARTIES)
    say(
        Text(
            f"共 {shown.total} 个；{json.dumps(dict(shown.facts), ensure_ascii=False)}",
            f"{shown.total} in all; {json.dumps(dict(shown.facts), ensure_ascii=False)}",
        )
    )


def _day(words: str) -> date | None:
    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        raise Invalid("日期须形如 2026-10-31。", "A day looks like 2026-10-31.", code="graph_day") from None


def _form(output: Path) -> GraphFile:
    kind = output.suffix.lstrip(".").lower()
    if kind not in {"svg", "csv", "graphml"}:
        raise Invalid(
            "文件名须以 .svg、.csv 或 .graphml 结尾。",
            "The file must end in .svg, .csv or .graphml.",
            code="graph_file",
        )
    return GraphFile(kind)


def _read(path: Path) -> GraphDraft:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return GraphDraft.from_json(value)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise draft_unfit(f"{path} 不是关系图的声明。", f"{path} is no declaration of a graph.") from None


def _facts(found: Summary) -> dict[str, Any]:
    facts: dict[str, Any] = {"tables": ", ".join(f"{name} (v{version})" for name, version in found.tables)}
    facts |= {"grade": found.grade, **found.counts}
    facts |= {f"aside_{reason}": many for reason, many in found.set_aside.items()}
    return {**facts, "masked": "、".join(found.blind), "bytes": found.size}


def _graph(one: RelationGraph) -> dict[str, Any]:
    tables = f"{one.draft.subjects.table}, {one.draft.holdings.table}"
    return {"id": one.id, "name": one.name, "organisation": one.org_id, "tables": tables}


def _party(one: Party) -> dict[str, Any]:
    return {
        "ref": one.ref,
        "name": one.name,
        "kind": one.kind.text.in_language(language()),
        "share": per_cent(one.share),
        "distance": one.distance,
        "why": "、".join((*one.reasons, *(word for word in one.via if word))),
    }
