"""What is in a library: subjects, pairs and decisions about records, and one source for each field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from beijiang.fusion.models import Verdict
from beijiang.fusion.models.atlas import Spot
from beijiang.kit import Actor, Text
from beijiang.tables import Filter, FilterOp
from beijiang.terminal import Column, as_json, asked_after, language, say, show, verbatim

if TYPE_CHECKING:
    from beijiang.fusion.models import Claim, Decision, Pair
    from beijiang.fusion.service import Fusion, Subject
    from beijiang.kit import Word

__all__ = ["add_claims", "add_decisions", "add_subjects", "word"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_LIBRARY = typer.Argument(help="Id of the library, or the table that it fills.")
_REASON = typer.Option(..., help="Why; kept in the evidence.")

_SEEN = typer.Option(
    None, help="The `seen` of the pair, of the API as you read it; without it you are shown and asked."
)
_SEEN_TOGETHER = typer.Option(None, help="The `seen` of the subjects side by side; without it you are shown and asked.")
_SEEN_SUBJECT = typer.Option(None, help="The `seen` of the subject as you read it; without it you are shown and asked.")
_PAIRS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("probability", Text("概率", "probability"), right=True),
    Column("levels", Text("相似程度", "alike"), whole=True),
    Column("against", Text("主键不同", "keys differ")),
)
_DECISIONS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("at", Text("时间", "at")),
    Column("verdict", Text("判定", "verdict")),
    Column("left", Text("记录", "record"), spare=True),
    Column("right", Text("记录", "record"), spare=True),
    Column("reason", Text("理由", "why")),
    Column("revoked", Text("已撤销", "revoked")),
)
_CLAIMS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("element", Text("字段", "field"), whole=True),
    Column("org_id", Text("部门", "department")),
    Column("state", Text("状态", "state")),
    Column("basis", Text("依据", "basis")),
)


def add_subjects(group: typer.Typer, get: Callable[[], Fusion], who: Callable[[str], Actor]) -> None:
    """Add what shows subjects and pairs."""

    @group.command("find")
    def find(
        library: str = _LIBRARY,
        field: str = typer.Option("", help="Field to look in."),
        value: str = typer.Option("", help="Part of the value."),
        limit: int = typer.Option(20, min=1, max=500, help="Rows shown at most."),
        person: str = _AS,
    ) -> None:
        """Show golden records through the gate: masked as everywhere."""
        filters = [Filter(field, FilterOp.CONTAINS, value)] if field and value else []
        found = get().subjects(who(person), library, filters, None, limit)
        show([verbatim(row) for row in found.rows.to_pylist()])

    @group.command("places")
    def places(
        lon: float = typer.Argument(help="Longitude in degrees."),
        lat: float = typer.Argument(help="Latitude in degrees."),
        library: str = typer.Option(..., help="Id of the library, or the table that it fills."),
        km: float = typer.Option(50, help="Kilometres around it."),
        limit: int = typer.Option(20, min=1, max=100, help="Rows shown at most."),
        person: str = _AS,
    ) -> None:
        """Show what contains a spot and what is near it, the smallest and the nearest first."""
        found = get().near(who(person), library, Spot(lon, lat), km=km, limit=limit)
        names = [e.name for e in found.library.elements if e.name != found.library.geometry]
        rows = [{"km": f"{p.km:.3f}", "inside": p.inside, **{n: p.row.get(n) for n in names}} for p in found.places]
        show([verbatim(row) for row in rows])

    @group.command("subject")
    def subject(
        library: str = _LIBRARY, name: str = typer.Argument(help="Name of the subject."), person: str = _AS
    ) -> None:
        """Show a golden record field by field, with the table that each value is from."""
        _print_subject(get().subject(who(person), library, name))

    @group.command("side-by-side")
    def side_by_side(
        library: str = _LIBRARY,
        subjects: list[str] = typer.Argument(help="Names of the subjects."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Show subjects one after the other, with the `seen` by which they are merged."""
        found = get().together(who(person), library, subjects)
        if as_json():
            show(
                [
                    {"subject": one.id, "now": _text(one.now or {}), "records": one.records, "seen": found.shown.token}
                    for one in found.subjects
                ]
            )
            return
        for one in found.subjects:
            _print_subject(one)

    @group.command("pairs")
    def pairs(library: str = _LIBRARY, person: str = _AS) -> None:
        """Show pairs that wait for a person, the surest first."""
        found, waiting = get().queue(who(person), library)
        show([_pair(one) for one in found], _PAIRS)
        say(Text(f"共 {waiting:,} 对待判定。", f"{waiting:,} pairs wait."))

    @group.command("decide")
    def decide(
        pair: str = typer.Argument(help="Id of the pair."),
        same: bool = typer.Option(..., "--same/--different", help="Whether both are one."),
        reason: str = _REASON,
        seen: str = _SEEN,
        person: str = _AS,
    ) -> None:
        """Decide about a pair; it takes effect with the next run. Without --seen both sides are shown first."""
        verdict, actor = Verdict.SAME if same else Verdict.DIFFERENT, who(person)
        seen = _compared(get(), actor, pair) if seen is None else seen
        show([_decision(get().decide(actor, pair, verdict, reason, seen=seen))], _DECISIONS)


def add_decisions(group: typer.Typer, get: Callable[[], Fusion], who: Callable[[str], Actor]) -> None:
    """Add what persons decide about records."""

    @group.command("merge")
    def merge(
        library: str = _LIBRARY,
        subjects: list[str] = typer.Argument(help="Names of the subjects."),  # noqa: B008
        reason: str = _REASON,
        seen: str = _SEEN_TOGETHER,
        person: str = _AS,
    ) -> None:
        """Put subjects together; it takes effect with the next run. Without --seen they are shown side by side first."""
        actor = who(person)
        if seen is None:
            found = get().together(actor, library, subjects)
            seen = asked_after(lambda: [_print_subject(one) for one in found.subjects], found.shown.token)
        show([_decision(one) for one in get().merge(actor, library, subjects, reason, seen=seen)], _DECISIONS)

    @group.command("take-out")
    def take_out(
        library: str = _LIBRARY,
        subject: str = typer.Argument(help="Name of the subject."),
        records: list[str] = typer.Argument(help="Records that do not belong to it."),  # noqa: B008
        reason: str = _REASON,
        seen: str = _SEEN_SUBJECT,
        person: str = _AS,
    ) -> None:
        """Take records out of a subject; it takes effect with the next run. Without --seen it is shown first."""
        actor = who(person)
        if seen is None:
            found = get().subject(actor, library, subject)
            seen = asked_after(lambda: _print_subject(found), found.shown.token)
        made = get().take_out(actor, library, subject, records, reason, seen=seen)
        show([_decision(one) for one in made], _DECISIONS)

    @group.command("decisions")
    def decisions(library: str = _LIBRARY, person: str = _AS) -> None:
        """Show what persons decided about records, newest first."""
        show([_decision(one) for one in get().decisions(who(person), library)], _DECISIONS)

    @group.command("revoke")
    def revoke(
        decision: str = typer.Argument(help="Id of the decision."), reason: str = _REASON, person: str = _AS
    ) -> None:
        """Let a decision hold no longer."""
        get().revoke(who(person), decision, reason)
        say(Text("已撤销，下次运行生效。", "Revoked; effective with the next run."))


def add_claims(group: typer.Typer, get: Callable[[], Fusion], who: Callable[[str], Actor]) -> None:
    """Add declarations and objections."""

    @group.command("claims")
    def claims(library: str = _LIBRARY, person: str = _AS) -> None:
        """Show which department answers for which field."""
        show([_claim(one) for one in get().claims(who(person), library)[0]], _CLAIMS)

    @group.command("claim")
    def claim(
        library: str = _LIBRARY,
        field: str = typer.Argument(help="Name of the field."),
        basis: str = typer.Option(..., help="By which duty, law or order."),
        person: str = _AS,
    ) -> None:
        """Declare the own department to be the one source of a field."""
        show([_claim(get().declare_source(who(person), library, field, basis))], _CLAIMS)

    @group.command("confirm")
    def confirm(
        claim_id: str = typer.Argument(help="Id of the declaration."),
        accept: bool = typer.Option(..., "--accept/--refuse", help="Whether it holds."),
        reason: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Confirm a declaration, or refuse it."""
        get().confirm_source(who(person), claim_id, reason, accept=accept)
        say(Text("已记录。", "Done."))

    @group.command("object")
    def object_(
        claim_id: str = typer.Argument(help="Id of the declaration."), reason: str = _REASON, person: str = _AS
    ) -> None:
        """Object to another department's declaration."""
        made = get().object_to(who(person), claim_id, reason)
        say(Text(f"异议 {made.id} 已提交，等待裁定。", f"Objection {made.id} waits for a ruling."))

    @group.command("rule")
    def rule(
        dispute: str = typer.Argument(help="Id of the objection."),
        uphold: bool = typer.Option(..., "--uphold/--dismiss", help="Whether it is right."),
        reason: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Rule on an objection; upheld, it ends the declaration."""
        get().rule(who(person), dispute, reason, uphold=uphold)
        say(Text("已裁定。", "Done."))


def word(one: Word) -> str:
    """Return a word as it is for machines, and in the reader's language for people."""
    return one.value if as_json() else one.text.in_language(language())


def _print_subject(found: Subject) -> None:
    """Print a subject field by field, then the records that it is made of."""
    if found.now is None:
        say(Text(f"已不在库中；其记录现属于：{'、'.join(found.went_to) or '无'}。", f"No longer there; its records are with: {', '.join(found.went_to) or 'none'}."))  # fmt: skip
        return
    seen = {"seen": found.shown.token} if as_json() else {}
    rows = []
    for one in found.library.elements:
        member = found.source_of(one.name)
        value = str(found.now.get(one.name) or "")
        rows.append({"field": one.name, "value": value, "from": member.table if member else "", **seen})
    if not as_json():
        say(Text(f"主体 {found.id}，{found.records} 条来源记录", f"Subject {found.id}, {found.records} records"))
    show([verbatim(row) for row in rows])
    if not as_json():
        members = [{"record": m.record, "table": m.table, **_text(m.row or {})} for m in found.members]
        show([verbatim(row) for row in members])


def _text(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items() if value is not None}


def _compared(fusion: Fusion, actor: Actor, pair: str) -> str:
    found = fusion.compare(actor, pair)
    sides = [{} if side is None else side.now or {} for side in (found.left, found.right)]
    rows = [
        {"field": name, **{n: str(side.get(name) or "") for n, side in zip("12", sides, strict=True)}}
        for name in {**sides[0], **sides[1]}
    ]
    return asked_after(lambda: show([verbatim(row) for row in rows]), found.shown.token)


def _pair(one: Pair) -> dict[str, Any]:
    levels = " ".join(f"{name}={level}" for name, level in one.levels.items())
    return {"id": one.id, "probability": round(one.probability, 4), "levels": levels, "against": one.against}


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": one.at.isoformat(timespec="seconds"),
        "verdict": word(one.verdict),
        "left": one.left,
        "right": one.right,
        "reason": one.reason,
        "revoked": one.revoked_at is not None,
    }


def _claim(one: Claim) -> dict[str, Any]:
    return {"id": one.id, "element": one.element, "org_id": one.org_id, "state": word(one.state), "basis": one.basis}
