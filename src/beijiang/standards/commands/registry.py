"""``beijiang standards``: data elements, code sets, what became of codes, proposals, files in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Invalid, NotFound, Text
from beijiang.standards.models import Action, CodeSet, DataElement, EntryKind, ProposalState, Status, flat_element
from beijiang.standards.service import ElementQuery, SheetFormat
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.standards.models import CodeValue, Difference, Planned, Proposal
    from beijiang.standards.service import Listed, Registry

__all__ = ["add_registry"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_ON = typer.Option(None, formats=["%Y-%m-%d"], help="As of this day; today when left out.")
_FROM = typer.Option(None, "--valid-from", formats=["%Y-%m-%d"], help="First day that it counts; today when left out.")
_REASON = typer.Option(..., help="Why; kept with the version and in the evidence.")
_PROPOSAL = typer.Argument(help="Id of the proposal.")
_ELEMENT = typer.Argument(help="Id of the element, such as population.citizen_id.")
_SET_ID = typer.Argument(help="Id of the code set.")
_FIELD = typer.Option([], "--set", help="Field as NAME=VALUE, such as name_zh=…; may be given several times.")
_STATUS = typer.Option(None, help="How it stands today.")
_KIND = typer.Argument(help="element or code_set.")
_OUT = typer.Argument(help="File to write; .csv or .xlsx says which.")
_ONLY = typer.Option([], "--id", help="Only this entry; may be given several times.")
_STATE = typer.Option(None, help="How they stand.")
_FILE = typer.Argument(
    exists=True, dir_okay=False, readable=True, help="A CSV or Excel file; export one as a template."
)

_ELEMENTS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("type", Text("类型", "type")),
    Column("length", Text("长度", "length"), right=True),
    Column("rule", Text("取值", "values")),
    Column("level", Text("等级", "grade")),
    Column("source", Text("来源", "source"), spare=True),
    Column("version", Text("版本", "version"), right=True),
    Column("status", Text("状态", "status")),
)
_VERSIONS = (
    Column("version", Text("版本", "version"), right=True),
    Column("valid_from", Text("生效", "from")),
    Column("valid_to", Text("至", "until")),
    Column("status", Text("状态", "status")),
    Column("name", Text("名称", "name")),
    Column("type", Text("类型", "type")),
    Column("length", Text("长度", "length"), right=True),
    Column("rule", Text("取值", "values")),
    Column("reason", Text("理由", "reason")),
)
_CODES = (
    Column("code", Text("代码", "code"), whole=True),
    Column("name", Text("名称", "name")),
    Column("valid_from", Text("生效", "from"), spare=True),
    Column("valid_to", Text("失效", "ended")),
    Column("replaced_by", Text("后继", "replaced by")),
    Column("state", Text("结果", "state")),
)
_PROPOSALS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("state", Text("状态", "state")),
    Column("about", Text("内容", "about")),
    Column("valid_from", Text("生效", "from")),
    Column("by", Text("提案人", "by"), spare=True),
    Column("reason", Text("理由", "reason")),
    Column("decision", Text("意见", "decision"), spare=True),
)
_PLANNED = (
    Column("row", Text("行", "row"), right=True),
    Column("outcome", Text("结果", "outcome")),
    Column("id", Text("标识", "id"), whole=True),
    Column("what", Text("说明", "what")),
)
_DIFFERENCES = (
    Column("id", Text("标识", "id"), whole=True),
    Column("action", Text("动作", "action")),
    Column("what", Text("字段", "field")),
    Column("before", Text("原", "before")),
    Column("after", Text("新", "after")),
)
OUTCOMES = {
    "added": Text("新增", "added"),
    "changed": Text("变更", "changed"),
    "unchanged": Text("不变", "unchanged"),
    "refused": Text("不能导入", "refused"),
}


def add_registry(group: typer.Typer, get: Callable[[], Registry], access: Callable[[], Access]) -> None:
    """Add the commands of the registry to the group."""

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    _add_entries(group, get, who)
    _add_files(group, get, who)
    _add_proposals(group, get, who)


def _add_entries(group: typer.Typer, get: Callable[[], Registry], who: Callable[[str], Actor]) -> None:
    @group.command("elements")
    def elements(
        words: str = typer.Argument("", help="Words that must all be there."),
        library: str = typer.Option("", help="Base library."),
        status: Status | None = _STATUS,
        person: str = _AS,
    ) -> None:
        """Find data elements."""
        found = get().elements(who(person), ElementQuery(q=words, library=library, status=status))
        show([_listed(one) for one in found], _ELEMENTS)

    @group.command("element")
    def element(element: str = _ELEMENT, person: str = _AS) -> None:
        """Show a data element with all its versions, newest first."""
        _, versions = get().element(who(person), element)
        show([_version(one) for one in versions], _VERSIONS)

    @group.command("code-set")
    def code_set(code_set: str = _SET_ID, on: datetime | None = _ON, person: str = _AS) -> None:
        """Show the values of a code set that held on a day."""
        _, found = get().code_set(who(person), code_set, _day(on))
        show([_code(value) for value in found.values], _CODES)

    @group.command("became")
    def became(
        code_set: str = _SET_ID,
        code: str = typer.Argument(help="The code that data have."),
        on: datetime | None = _ON,
        person: str = _AS,
    ) -> None:
        """Show what became of a code by a day: each step, and what holds now."""
        found = get().became(who(person), code_set, code, _day(on))
        ended, now = (text.in_language(language()) for text in (Text("已失效", "ended"), Text("现行", "holds")))
        rows = [{**_code(step.value), "state": ended} for step in found.steps]
        rows += [{**_code(value), "state": now} for value in found.now]
        show(rows, _CODES)


def _add_files(group: typer.Typer, get: Callable[[], Registry], who: Callable[[str], Actor]) -> None:
    @group.command("export")
    def export(
        kind: EntryKind = _KIND,
        path: Path = _OUT,
        only: list[str] = _ONLY,
        person: str = _AS,
    ) -> None:
        """Write all entries of a kind into a file that can be imported again."""
        form = _form_of(path)
        path.write_bytes(get().export(who(person), kind, form, language(), tuple(only)))
        say(Text(f"已写入 {path}", f"Wrote {path}"))

    @group.command("import")
    def take_in(
        path: Path = _FILE,
        reason: str = typer.Option("", help="Why; with it the changes are proposed, without it they are only shown."),
        valid_from: datetime | None = _FROM,
        person: str = _AS,
    ) -> None:
        """Show what a file would change, row by row; with a reason, propose it as a whole."""
        actor, content = who(person), path.read_bytes()
        if reason:
            show([_proposal(get().propose_import(actor, path.name, content, reason, _day(valid_from)))], _PROPOSALS)
            return
        planned = get().plan(actor, path.name, content)
        show([_planned(one) for one in planned], _PLANNED)
        if any(one.outcome == "refused" for one in planned):
            raise typer.Exit(1)


def _add_proposals(group: typer.Typer, get: Callable[[], Registry], who: Callable[[str], Actor]) -> None:
    @group.command("propose")
    def propose(
        element: str = _ELEMENT,
        fields: list[str] = _FIELD,
        reason: str = _REASON,
        valid_from: datetime | None = _FROM,
        person: str = _AS,
    ) -> None:
        """Propose a new element, or a change of one: only the fields that are given change."""
        actor = who(person)
        try:
            now = flat_element(get().element(actor, element)[1][0])
        except NotFound:
            now = {}
        form = {**now, **_pairs(fields), "id": element}
        action = Action.CHANGE if now else Action.ADD
        change = get().change_of(actor, action, EntryKind.ELEMENT, form)
        show([_proposal(get().propose(actor, [change], reason, _day(valid_from)))], _PROPOSALS)

    @group.command("retire")
    def retire(
        kind: EntryKind = _KIND,
        entry: str = typer.Argument(help="Id of the entry."),
        reason: str = _REASON,
        valid_from: datetime | None = _FROM,
        person: str = _AS,
    ) -> None:
        """Propose that an entry ends; its versions stay."""
        actor = who(person)
        change = get().change_of(actor, Action.RETIRE, kind, {"id": entry, "code_set": entry})
        show([_proposal(get().propose(actor, [change], reason, _day(valid_from)))], _PROPOSALS)

    @group.command("proposals")
    def proposals(state: ProposalState | None = _STATE, person: str = _AS) -> None:
        """List proposals, newest first."""
        show([_proposal(one) for one in get().proposals(who(person), state)], _PROPOSALS)

    @group.command("proposal")
    def proposal(proposal: str = _PROPOSAL, person: str = _AS) -> None:
        """Show what each change of a proposal alters."""
        actor = who(person)
        found = get().proposal(actor, proposal)
        rows = []
        for change, differences in get().differences(actor, found):
            head = {"id": change.id, "action": change.action.text.in_language(language())}
            rows += [{**head, **_difference(one)} for one in differences] or [head]
        show(rows, _DIFFERENCES)

    @group.command("approve")
    def approve(
        proposal: str = _PROPOSAL, reason: str = typer.Option("", help="Remark on the decision."), person: str = _AS
    ) -> None:
        """Put a proposal in force as a whole; nobody approves the own one."""
        show([_proposal(get().approve(who(person), proposal, reason))], _PROPOSALS)

    @group.command("return")
    def send_back(proposal: str = _PROPOSAL, reason: str = _REASON, person: str = _AS) -> None:
        """Send a proposal back to its author."""
        show([_proposal(get().send_back(who(person), proposal, reason))], _PROPOSALS)

    @group.command("withdraw")
    def withdraw(proposal: str = _PROPOSAL, person: str = _AS) -> None:
        """Take the own proposal back."""
        show([_proposal(get().withdraw(who(person), proposal))], _PROPOSALS)


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _form_of(path: Path) -> SheetFormat:
    try:
        return SheetFormat(path.suffix.lower().removeprefix("."))
    except ValueError:
        raise Invalid(
            "文件名应以 .csv、.xlsx 或 .pdf 结尾。", "The name ends in .csv, .xlsx or .pdf.", code="bad_suffix"
        ) from None


def _pairs(words: Sequence[str]) -> dict[str, str]:
    if any("=" not in word for word in words):
        raise Invalid("字段写成 名称=值。", "Write fields as NAME=VALUE.", code="bad_field")
    return dict(word.split("=", 1) for word in words)


def _rule(entry: DataElement) -> str:
    return entry.code_set or entry.check or entry.pattern


def _listed(one: Listed) -> dict[str, Any]:
    entry = one.entry
    assert isinstance(entry, DataElement)  # noqa: S101 - elements() lists elements
    return {
        "id": entry.id,
        "name": entry.name.in_language(language()),
        "type": entry.type,
        "length": entry.length,
        "rule": _rule(entry),
        "level": entry.level,
        "source": entry.source,
        "version": entry.edition.version,
        "status": one.status.text.in_language(language()),
    }


def _version(one: DataElement | CodeSet) -> dict[str, Any]:
    edition = one.edition
    form: Mapping[str, str] = flat_element(one) if isinstance(one, DataElement) else {}
    retired = Status.RETIRED if edition.retired else Status.IN_FORCE
    return {
        **form,
        "version": edition.version,
        "valid_from": edition.valid_from,
        "valid_to": edition.valid_to,
        "status": retired.text.in_language(language()),
        "name": one.name.in_language(language()),
        "rule": _rule(one) if isinstance(one, DataElement) else "",
        "reason": edition.reason,
    }


def _code(value: CodeValue) -> dict[str, Any]:
    return {
        "code": value.code,
        "name": value.name.in_language(language()),
        "valid_from": value.valid_from,
        "valid_to": value.valid_to,
        "replaced_by": "、".join(value.replaced_by),
    }


def _proposal(one: Proposal) -> dict[str, Any]:
    more = f" … ({one.size})" if one.size > len(one.about) else ""
    return {
        "id": one.id,
        "state": one.state.text.in_language(language()),
        "about": "、".join(one.about) + more,
        "valid_from": one.valid_from,
        "by": one.by_name,
        "reason": one.reason,
        "decision": one.decision,
    }


def _planned(one: Planned) -> dict[str, Any]:
    parts = [f"{d.what.in_language(language())}: {d.before or '—'} → {d.after or '—'}" for d in one.differences[:5]]
    said = one.reason.in_language(language()) if one.reason else "; ".join(parts) if one.outcome == "changed" else ""
    return {"row": one.row, "outcome": OUTCOMES[one.outcome].in_language(language()), "id": one.id, "what": said}


def _difference(one: Difference) -> dict[str, Any]:
    return {"what": one.what.in_language(language()), "before": one.before, "after": one.after}
