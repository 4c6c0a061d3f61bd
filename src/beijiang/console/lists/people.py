"""The lists of the administrators: people, and the evidence log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from beijiang.access import Role
from beijiang.console.listing import Coded, Column, Kind, Table
from beijiang.console.lists.words import age, age_name
from beijiang.console.words import word
from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.access import Person
    from beijiang.build import Platform
    from beijiang.evidence import EvidenceRecord
    from beijiang.kit import Actor

__all__ = ["NO_ROLE", "RECORDS", "evidence_table", "people_table"]

RECORDS: Final = 100
"""Records of the log on one page."""
NO_ROLE: Final = Coded("no_role", Text("还没有角色", "no role yet"))
_CLOSED: Final = Coded("closed", Text("已停用", "closed"))
_FIRST: Final = Coded("first", Text("未设口令", "password not set"))
_USED: Final = Coded("used", Text("在用", "in use"))
_STANDINGS: Final = {one.value: one for one in (NO_ROLE, _CLOSED, _FIRST, _USED)}


def people_table(platform: Platform, actor: Actor, names: Mapping[str, str]) -> Table[Person]:
    """Return the list of the accounts that the actor may see."""
    now = platform.clock.now()

    def standing(one: Person) -> Coded:
        if one.disabled_at:
            return _CLOSED
        return NO_ROLE if not one.roles else _FIRST if one.must_set_password else _USED

    def roles(one: Person) -> Text:
        return called(",".join(sorted(one.roles)))

    def called(codes: str) -> Text:
        held = [Role(code).text for code in codes.split(",") if code]
        return Text("、".join(role.zh for role in held), ", ".join(role.en for role in held))

    levels = {"closed": "bad", "no_role": "warn", "first": "info", "used": "ok"}
    return Table(
        key="people",
        path="/console/people",
        title=Text("人员", "People"),
        part=lambda wanted: platform.access.people_part(actor, wanted),
        row_key=lambda p: p.id,
        columns=(
            Column(key="login", words=Text("账号", "Login"), of=lambda p: p.login),
            Column(key="name", words=Text("姓名", "Name"), of=lambda p: p.name),
            Column(key="org", words=Text("机构", "Organisation"), of=lambda p: names.get(p.org_id or "", p.org_id), choice=True, named=lambda code: names.get(code, code)),
            Column(key="roles", words=Text("角色", "Roles"), of=roles, choice=True, named=called),
            Column(key="standing", words=Text("状态", "Standing"), of=standing, kind=Kind.TAG, level=lambda p: levels[standing(p).value], choice=True, named=lambda code: _STANDINGS[code].text),
            Column(key="made", words=Text("建立", "Made"), of=lambda p: p.created_at, kind=Kind.MOMENT, shown=False),
            Column(key="age", words=Text("建立时间段", "Made when"), of=lambda p: age(p.created_at, now), choice=True, named=age_name, shown=False),
        ),
    )  # fmt: skip


def evidence_table(rows: Sequence[EvidenceRecord], at_most: int | None) -> Table[EvidenceRecord]:
    """Return a page of the log as a list."""

    def here(**words: str) -> str:
        return f"/console/evidence?{urlencode(words)}"

    def action(one: EvidenceRecord) -> Coded:
        told = word("action", one.action)
        if one.exit:
            way = word("exit", one.exit)
            told = Text(f"{told.zh} · {way.zh}", f"{told.en} · {way.en}")
        return Coded(one.action, told)

    return Table(
        key="evidence",
        path="/console/evidence",
        title=Text("存证", "Evidence"),
        rows=rows,
        row_key=lambda r: r.id,
        at_most=at_most,
        columns=(
            Column(key="sequence", words=Text("序号", "Number"), of=lambda r: r.sequence, kind=Kind.NUMBER),
            Column(key="at", words=Text("时间", "At"), of=lambda r: r.at, kind=Kind.MOMENT),
            Column(key="who", words=Text("谁", "Who"), of=lambda r: r.actor_name, link=lambda r: here(actor_id=r.actor_id), choice=True),
            Column(key="action", words=Text("动作", "Action"), of=action, choice=True, hint=lambda r: r.action),
            Column(key="target", words=Text("对象", "Target"), of=lambda r: r.target, kind=Kind.CODE, link=lambda r: here(target=r.target)),
            Column(key="version", words=Text("版本", "Version"), of=lambda r: r.version, kind=Kind.NUMBER, shown=False),
            Column(key="decision", words=Text("结果", "Decision"), of=lambda r: Coded(r.decision, word("decision", r.decision)), kind=Kind.TAG, level=lambda r: "ok" if r.decision == "allow" else "bad", choice=True),
            Column(key="rows", words=Text("行", "Rows"), of=lambda r: r.rows, kind=Kind.NUMBER),
            Column(key="grade", words=Text("分级", "Grade"), of=lambda r: r.grade, kind=Kind.GRADE, choice=True),
            Column(key="purpose", words=Text("用途", "Purpose"), of=lambda r: r.purpose, shown=False),
            Column(key="id", words=Text("记录号", "Id"), of=lambda r: r.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip
