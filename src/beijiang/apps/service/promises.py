"""Checks of what a bundle relies on: roles that there are, contracts in force and kept, pages that can be read out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from beijiang.access import Role
from beijiang.apps.models import Bundle, Check, filled_by
from beijiang.apps.models.faults import Faults, line_of
from beijiang.apps.service.filling import Filling
from beijiang.kit import Conflict, Text
from beijiang.tables import Exit

if TYPE_CHECKING:
    from beijiang.kit import Actor

__all__ = ["Checked", "Promises"]

_Words: TypeAlias = tuple[str, str]


@dataclass(slots=True)
class Checked:
    """A bundle, what the checks found, and every fault with its place."""

    bundle: Bundle
    checks: list[Check] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)

    @property
    def good(self) -> bool:
        """Tell whether it may be submitted."""
        return all(one.good for one in self.checks)

    def add(self, name: str, text: tuple[str, str], before: int, found: tuple[str, str]) -> None:
        """Add a check; it is good if no fault came since ``before``."""
        good = len(self.faults) == before
        count = len(self.faults) - before
        words = found if good else (f"{count} 处问题", f"{count} faults")
        self.checks.append(Check(name=name, text=Text(*text), good=good, found=Text(*words)))


class Promises(Filling):
    """Look whether what a bundle relies on holds."""

    def _check_roles(self, found: Checked, files: Mapping[str, str]) -> None:
        """Every role that is named is one: of any other word nobody would get the application."""
        before, named = len(found.faults), found.bundle.manifest.roles
        for role in (one for one in named if one not in set(Role)):
            found.faults.say(
                "app.toml",
                line_of(files["app.toml"], "roles"),
                (f"没有角色 {role[:60]}", f"there is no role {role[:60]}"),
                (f"可用：{'、'.join(Role)}", f"use one of: {', '.join(Role)}"),
            )
        if named:
            words = [Role(one).text for one in named if one in set(Role)]
            told = ("、".join(one.zh for one in words), ", ".join(one.en for one in words))
            found.add("roles", ("可以打开的角色", "roles that may open it"), before, told)

    def _check_contracts(self, actor: Actor, found: Checked, files: Mapping[str, str]) -> None:
        """The contract of every table is in force, its version keeps it, and columns that queries name are as agreed."""
        before, bound = len(found.faults), 0
        filled, line = filled_by(found.bundle), line_of(files["app.toml"], "resources")
        tables = [name for name in found.bundle.manifest.resources if name not in filled]
        for name in tables:
            seen = self.gate.seen(actor, self.gate.find(name), Exit.APP)
            contract = None if seen is None else self.contracts.of_table(actor, seen.table)
            if seen is None or contract is None or not (contract.active or contract.ended):
                continue
            bound += 1
            for what, mend in self._contract_faults(actor, found.bundle, seen.table, seen.version):
                found.faults.say("app.toml", line, what, mend)
        without = len(tables) - bound
        told = (f"{bound} 张表有契约，{without} 张没有", f"{bound} tables have one, {without} have none")
        found.add("contracts", ("数据契约", "data contracts"), before, told)

    def _contract_faults(
        self, actor: Actor, bundle: Bundle, table: str, version: int
    ) -> Sequence[tuple[_Words, _Words]]:
        contract = self.contracts.of_table(actor, table)
        if contract is None:
            return []
        name = contract.name[:60]
        if contract.active is None:
            what = (f"表 {table} 的契约“{name}”已终止", f"the contract {name} of {table} has ended")
            return [(what, ("请提供部门重新订立，或换一张表", "have it agreed anew, or read another table"))]
        faults: list[tuple[_Words, _Words]] = []
        try:
            self.contracts.announced(table, version)
        except Conflict as error:
            mend = ("等提供部门更正数据后再提交", "hand it in once the department has mended its data")
            faults.append(((error.text.zh.rstrip("。"), error.text.en.rstrip(".")), mend))
        used = _columns(bundle)
        for gap in self.contracts.gaps(actor, table):
            if gap.grave and (used is None or gap.column in used):
                what = (
                    f"表 {table} 的列 {gap.column[:60]} 与契约“{name}”不符",
                    f"the column {gap.column[:60]} of {table} is not as its contract {name} says",
                )
                faults.append((what, ("请提供部门更正，或不用这一列", "have it mended, or leave the column out")))
        return faults


def _columns(bundle: Bundle) -> frozenset[str] | None:
    """Return the columns that the queries of a bundle name; None where one takes all columns of a table, or cannot be read."""
    import sqlglot
    from sqlglot import errors, exp

    found: set[str] = set()
    for query in bundle.queries.values():
        try:
            tree = sqlglot.parse_one(query.text, dialect="duckdb")
        except (errors.SqlglotError, RecursionError):  # the check of the queries says what is wrong with it
            return None
        if any(not isinstance(one.parent, exp.Count) for one in tree.find_all(exp.Star)):
            return None
        found |= {column.name for column in tree.find_all(exp.Column)}
    return frozenset(found)
