"""``beijiang contracts``: hand in, edit, compare, agree, hold tables against them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.contracts.service import Edit
from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.terminal import Column, asked_after, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.contracts.models import Change, Contract, Finding, Version
    from beijiang.contracts.service import Bound, Contracts

__all__ = ["commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_CONTRACT = typer.Argument(help="Id of the contract.")
_FILE = typer.Argument(help="ODCS file, YAML or JSON.", exists=True, dir_okay=False)
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_VERSION = typer.Option("", help="Version of the contract; the newest when empty.")

_CONTRACTS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("org_id", Text("部门", "organisation"), spare=True),
    Column("active", Text("生效版本", "in force")),
    Column("newest", Text("最新版本", "newest")),
    Column("state", Text("状态", "state")),
    Column("tables", Text("数据表", "tables")),
)
_VERSIONS = (
    Column("version", Text("版本", "version"), whole=True),
    Column("state", Text("状态", "state")),
    Column("untouched", Text("与原件一致", "as handed in")),
    Column("by", Text("起草", "by"), spare=True),
    Column("decided", Text("批准", "decided by"), spare=True),
    Column("reason", Text("理由", "reason")),
    Column("sha256", Text("SHA-256", "SHA-256"), spare=True),
)
_FINDINGS = (
    Column("line", Text("行", "line"), right=True),
    Column("column", Text("列", "column"), right=True),
    Column("path", Text("位置", "path")),
    Column("grave", Text("须修改", "fault")),
    Column("text", Text("说明", "what")),
)
_CHANGES = (
    Column("effect", Text("影响", "effect")),
    Column("where", Text("位置", "where")),
    Column("what", Text("变更", "what")),
    Column("before", Text("原", "before")),
    Column("after", Text("新", "after")),
)
_TERMS = (
    Column("table", Text("数据表", "table"), whole=True),
    Column("name", Text("条款", "term")),
    Column("severity", Text("级别", "severity")),
    Column("limit", Text("限值", "limit")),
    Column("b", Text("评估", "assessed"), right=True),
    Column("failing", Text("问题数", "failing"), right=True),
    Column("outcome", Text("结果", "outcome")),
)


def commands(get: Callable[[], Contracts], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(
        help="Data contracts (ODCS): hand in, agree, compare, hold tables against them.", no_args_is_help=True
    )

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """Show the contracts."""
        show([_contract(one) for one in get().contracts(who(person))], _CONTRACTS)

    @group.command("show")
    def show_(contract: str = _CONTRACT, person: str = _AS) -> None:
        """Show the versions of a contract."""
        show([_version(v) for v in reversed(get().contract(who(person), contract).versions)], _VERSIONS)

    @group.command("terms")
    def terms(contract: str = _CONTRACT, version: str = _VERSION, person: str = _AS) -> None:
        """Hold the bound tables against a version, term by term."""
        show([row for one in get().bound(who(person), contract, version) for row in _terms(one)], _TERMS)

    @group.command("compare")
    def compare(
        contract: str = _CONTRACT,
        before: str = typer.Argument(help="Earlier version."),
        after: str = typer.Argument(help="Later version."),
        person: str = _AS,
    ) -> None:
        """Show what one version changes against another, breaking changes first."""
        show([_change(c) for c in get().compare(who(person), contract, before, after)], _CHANGES)

    _add_files(group, get, who)
    _add_decisions(group, get, who)
    return group


def _add_files(group: typer.Typer, get: Callable[[], Contracts], who: Callable[[str], Actor]) -> None:
    @group.command("check")
    def check(file: Path = _FILE, person: str = _AS) -> None:
        """Read a file and say what there is to say of it; nothing is kept."""
        _, findings = get().check(who(person), file.read_bytes())
        show([_finding(one) for one in findings], _FINDINGS)
        if any(one.grave for one in findings):
            raise typer.Exit(1)

    @group.command("import")
    def hand_in(
        file: Path = _FILE,
        org: str = typer.Option(..., help="Department whose contract it is."),
        reason: str = typer.Option("", help="Why; kept in the evidence."),
        person: str = _AS,
    ) -> None:
        """Hand in a file as a contract, or as its next version; the file is kept byte for byte."""
        show([_contract(get().hand_in(who(person), org, file.read_bytes(), reason))], _CONTRACTS)

    @group.command("make")
    def make(table: str = typer.Argument(help="Name of the table."), person: str = _AS) -> None:
        """Make a draft of what is known of a table."""
        show([_contract(get().make(who(person), table))], _CONTRACTS)

    @group.command("export")
    def export(
        contract: str = _CONTRACT,
        version: str = _VERSION,
        original: bool = typer.Option(False, "--original", help="As it was handed in."),
        out: Path | None = typer.Option(None, help="File to write; the terminal when left out."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Write the file of a version, byte for byte."""
        content = get().file(who(person), contract, version, original=original)
        if out is None:
            sys.stdout.buffer.write(content)
        else:
            out.write_bytes(content)
            say(Text(f"已写入 {out}。", f"Written to {out}."))

    @group.command("edit")
    def edit(
        contract: str = _CONTRACT,
        put: list[str] = typer.Option([], "--set", help='Value as POINTER=JSON, as /description/purpose="...".'),  # noqa: B008
        add: list[str] = typer.Option([], "--add", help="Item for a list as POINTER=JSON, as /schema/0/quality={...}."),  # noqa: B008
        remove: list[str] = typer.Option([], "--remove", help="Item of a list as POINTER."),  # noqa: B008
        reason: str = typer.Option("", help="Why; kept in the evidence."),
        person: str = _AS,
    ) -> None:
        """Change the draft, only in the lines concerned; without a draft a new version begins."""
        steps = Edit(put=dict(map(_pair, put)), add=[_pair(one) for one in add], remove=remove)
        show([_contract(get().edit(who(person), contract, steps, reason))], _CONTRACTS)

    @group.command("bind")
    def bind(
        contract: str = _CONTRACT,
        name: str = typer.Argument(help="Object of the contract."),
        table: str = typer.Argument(help="Table that it is about."),
        person: str = _AS,
    ) -> None:
        """Bind a table to an object."""
        show([_contract(get().bind(who(person), contract, name, table))], _CONTRACTS)

    @group.command("unbind")
    def unbind(
        contract: str = _CONTRACT,
        table: str = typer.Argument(help="Table to let go."),
        reason: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Let a table go."""
        show([_contract(get().unbind(who(person), contract, table, reason))], _CONTRACTS)


def _add_decisions(group: typer.Typer, get: Callable[[], Contracts], who: Callable[[str], Actor]) -> None:
    @group.command("propose")
    def propose(contract: str = _CONTRACT, reason: str = _REASON, person: str = _AS) -> None:
        """Ask for the approval of the draft."""
        show([_contract(get().propose(who(person), contract, reason))], _CONTRACTS)

    @group.command("approve")
    def approve(
        contract: str = _CONTRACT,
        reason: str = typer.Option("", help="What is said with it; kept in the evidence."),
        seen: str = typer.Option(
            None, help="The `seen` of the version as you read it; without it you are shown and asked."
        ),
        person: str = _AS,
    ) -> None:
        """Put the proposed version in force; nobody approves the own work. Without --seen it is shown first."""
        actor = who(person)
        if seen is None:
            found = get().contract(actor, contract)
            seen = asked_after(lambda: _tell_all(get(), actor, found), found.newest.shown.token)
        show([_contract(get().approve(actor, contract, reason, seen=seen))], _CONTRACTS)

    @group.command("return")
    def send_back(contract: str = _CONTRACT, reason: str = _REASON, person: str = _AS) -> None:
        """Return the proposed version to its author."""
        show([_contract(get().send_back(who(person), contract, reason))], _CONTRACTS)

    @group.command("retire")
    def retire(contract: str = _CONTRACT, reason: str = _REASON, person: str = _AS) -> None:
        """End a contract: its rules leave its tables."""
        show([_contract(get().retire(who(person), contract, reason))], _CONTRACTS)


def _tell_all(contracts: Contracts, actor: Actor, found: Contract) -> None:
    """Show all that the ``seen`` of the newest version stands for."""
    newest = found.newest
    typer.echo(contracts.file(actor, found.id, newest.version).decode())
    show({"version": newest.version, "reason": newest.reason, "proposed_by": newest.proposed_by})


def _pair(words: str) -> tuple[str, Any]:
    pointer, sign, value = words.partition("=")
    if not sign:
        raise Invalid(
            f"“{words[:60]}”应写成 位置=值。", f'Write "{words[:60]}" as POINTER=VALUE.', code="contract_pointer"
        )
    try:
        return pointer, json.loads(value)
    except ValueError:
        return pointer, value


def _contract(one: Contract) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "org_id": one.org_id,
        "active": "" if one.active is None else one.active.version,
        "newest": one.newest.version,
        "state": one.newest.state.text.in_language(language()),
        "tables": "、".join(binding.table for binding in one.bindings),
    }


def _version(one: Version) -> dict[str, Any]:
    return {
        "version": one.version,
        "state": one.state.text.in_language(language()),
        "untouched": one.untouched,
        "by": one.by_name,
        "decided": one.decided_name,
        "reason": one.decision or one.reason,
        "sha256": one.digest,
        "seen": one.shown.token,
    }


def _finding(one: Finding) -> dict[str, Any]:
    words = one.text.in_language(language())
    return {"line": one.line, "column": one.column, "path": one.path, "grave": one.grave, "text": words}


def _change(one: Change) -> dict[str, Any]:
    return {
        "effect": one.effect.text.in_language(language()),
        "where": one.where,
        "what": one.what.in_language(language()),
        "before": one.before,
        "after": one.after,
    }


def _terms(one: Bound) -> list[dict[str, Any]]:
    counted = [
        {
            "table": one.table,
            "name": term.draft.name,
            "severity": term.draft.severity.text.in_language(language()),
            "limit": term.draft.limit,
            "b": term.b,
            "failing": term.failing,
            "outcome": term.outcome.text.in_language(language()),
        }
        for term in one.terms
    ]
    left = [{"table": one.table, "name": f"{left.where}: {left.text.in_language(language())}"} for left in one.left]
    return [*counted, *({**row, "severity": "", "limit": "", "b": "", "failing": "", "outcome": ""} for row in left)]
