"""Chosen masks: a steward decides how a column is masked, within a closed list of functions."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Invalid, NotFound, Unavailable, new_id
from beijiang.protection.models.choices import KEYED, TYPES, MaskChoice, MaskFunction, read_parameters, weakens
from beijiang.protection.models.conditions import unknown_column
from beijiang.protection.service.ruling import Ruling, visible_types
from beijiang.protection.store import GradeStore
from beijiang.protection.store.choices import ChoiceStore

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.service.keyed import Keyed
    from beijiang.protection.store import TableFacts

__all__ = ["Choosing"]

KEYED_MOST = 10
"""Each costs a further column in the treated copies of a table's files."""

log = logging.getLogger(__name__)


class Choosing(Ruling):
    """Choose, show and end the masks of columns."""

    keyed: Keyed | None = None
    """Makes the results of masks under a key; set in build.py."""

    def choose_mask(
        self,
        actor: Actor,
        table: str,
        column: str,
        function: str | MaskFunction,
        parameters: Mapping[str, str] | None = None,
        *,
        reason: str,
    ) -> MaskChoice:
        """Mask a column by a function of the list instead of its default, for everybody who gets it masked.

        Outsiders get the column so even where its grade would show it raw. A mask that may show more than the default
        reaches them with the next publication, which two others decide, as a lowered grade does (`standards.md` 7.4).

        Raises:
            Invalid: unknown column or function, parameters or a type that do not fit, or no reason.
            Unavailable: a key is needed and cannot be had.

        """
        facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
        self._access.require(actor, Permission.PROTECTION_GRADE_CORRECT, facts.org_id)
        if not reason.strip():
            raise Invalid("选择脱敏方式需要说明理由。", "Choosing a mask needs a reason.", code="reason_needed")
        with self._db.read() as connection:
            grades = GradeStore(connection).current(facts.name)
        types = visible_types(self._lake.snapshot(facts.name, facts.version))
        if column not in types or column not in grades:
            raise unknown_column(column, types)
        wanted = _function(function)
        found = read_parameters(wanted, parameters or {})
        _fits(wanted, column, types, str(found.get("by", "")))
        before = self._choices(facts.name)
        if wanted in KEYED:
            self._has_keys(before)
        choice = MaskChoice(
            id=new_id("mask"),
            table=facts.name,
            column=column,
            function=wanted,
            parameters=found,
            weaker=weakens(grades[column].mask, wanted, found),
            reason=reason.strip(),
            by=actor.id,
            at=self._clock.now(),
        )
        self._make(facts, [*before, choice])
        with self._db.begin() as tx:
            ChoiceStore(tx.connection).add(choice)
            detail: dict[str, JsonValue] = {"column": column, "mask": choice.words, "weaker": choice.weaker}
            self._evidence.record(tx, actor, "protection.mask", target=facts.name, detail={**detail, "reason": reason})
        return choice

    def drop_mask(self, actor: Actor, table: str, column: str, reason: str) -> None:
        """End the chosen mask of a column; its default holds again at once.

        Raises:
            Invalid: no reason.
            NotFound: nothing was chosen for the column.

        """
        facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
        self._access.require(actor, Permission.PROTECTION_GRADE_CORRECT, facts.org_id)
        if not reason.strip():
            raise Invalid(
                "恢复默认脱敏需要说明理由。", "Going back to the default needs a reason.", code="reason_needed"
            )
        with self._db.begin() as tx:
            if not ChoiceStore(tx.connection).end(facts.name, column, self._clock.now()):
                raise NotFound(
                    f"列“{column[:60]}”没有另选的脱敏方式。",
                    f'No mask was chosen for column "{column[:60]}".',
                    code="mask_not_found",
                )
            detail: dict[str, JsonValue] = {"column": column, "mask": "", "reason": reason}
            self._evidence.record(tx, actor, "protection.mask", target=facts.name, detail=detail)
        self.prepare_masks(facts.name)

    def masks(self, actor: Actor, table: str) -> tuple[MaskChoice, ...]:
        """Return all masks that were ever chosen for a table's columns, oldest first; those in force have no end.

        Raises:
            NotFound: no such graded table, or it is hidden from this actor.

        """
        facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
        with self._db.read() as connection:
            return tuple(ChoiceStore(connection).of_table(facts.name))

    def prepare_masks(self, table: str) -> None:
        """Make the results of masks under a key for the versions that are read; what fails leaves its columns empty."""
        facts = self.facts(table)
        if facts is None:
            return
        try:
            self._make(facts, self._choices(table))
        except (BeijiangError, OSError) as error:
            log.warning("masks under a key could not be made (%s); their columns are shown empty", type(error).__name__)

    def _has_keys(self, before: Sequence[MaskChoice]) -> None:
        if self.keyed is None:
            raise Unavailable("这里没有密钥服务。", "There is no key service here.", code="no_keys")
        if sum(one.function in KEYED and one.ended_at is None for one in before) >= KEYED_MOST:
            raise Invalid(
                f"一张表最多 {KEYED_MOST} 个带密钥的脱敏列。",
                f"A table has {KEYED_MOST} columns with masks under a key at most.",
                code="too_many_masks",
            )

    def _choices(self, table: str) -> list[MaskChoice]:
        with self._db.read() as connection:
            return ChoiceStore(connection).of_table(table)

    def _make(self, facts: TableFacts, choices: Sequence[MaskChoice]) -> None:
        if self.keyed is None:
            return
        release = self._catalog.released(facts.name)
        published = None if release is None else release.published_at
        needed = [
            one
            for one in choices
            if one.function in KEYED and (one.ended_at is None or (published is not None and one.holds_at(published)))
        ]
        versions = {facts.version, *({release.table_version} if release else ())}
        self.keyed.prepare([self._lake.snapshot(facts.name, v) for v in sorted(versions)], facts.org_id, needed)


def _function(word: str | MaskFunction) -> MaskFunction:
    try:
        return MaskFunction(word)
    except ValueError:
        known = ", ".join(MaskFunction)
        raise Invalid(
            f"没有这种脱敏方式。可用：{known}。", f"There is no such mask. Known: {known}.", code="unknown_mask"
        ) from None


def _fits(function: MaskFunction, column: str, types: Mapping[str, str], by: str) -> None:
    if types[column] not in TYPES[function]:
        fitting = ", ".join(sorted(TYPES[function]))
        raise Invalid(
            f"“{function.text.zh}”不适用于列“{column}”（{types[column]}）。适用类型：{fitting}。",
            f'"{function}" does not fit column "{column}" ({types[column]}). It fits: {fitting}.',
            code="mask_type",
        )
    if by and (by not in types or by == column):
        raise unknown_column(by, [name for name in types if name != column])
