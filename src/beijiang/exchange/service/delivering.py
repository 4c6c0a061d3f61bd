"""Handing over what was granted: rows page by page, and whole files that name who took them. All through the gate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from beijiang.access import Permission
from beijiang.exchange.errors import no_grant, other_purpose
from beijiang.exchange.models import every_purpose
from beijiang.exchange.models.handing import Mark
from beijiang.exchange.service.timing import Timing
from beijiang.exchange.store import GrantStore, HandingStore
from beijiang.kit import NotFound
from beijiang.protection import Asked, ControlRule, FileMark, asks, files, rowquery
from beijiang.tables import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from beijiang.exchange.models import Grant
    from beijiang.kit import Actor
    from beijiang.protection import Counted, Verified
    from beijiang.tables import Filter, GovernedColumn, GovernedTable

__all__ = ["Delivering", "RowsPage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsPage:
    """One page of rows as plain values, with what proves that they were had."""

    table: str
    version: int
    columns: tuple[GovernedColumn, ...]
    rows: Sequence[dict[str, Any]]
    next: str | None
    receipt: str
    contract: str
    delivered: Callable[[Mapping[str, str], int], None]
    """Adds to the receipt the digests of what was asked and sent, and how many bytes that was."""
    in_doubt: tuple[str, ...] = ()
    """The columns of the page that are being looked into (校核); every one where the table as a whole is."""


class Delivering(Timing):
    """The row API and files of departments; a reader without a grant has what is shared with everybody."""

    def rows(self, actor: Actor, table: str, query: rowquery.RowQuery, purpose: str = "") -> RowsPage:
        """Return one page of a table's released rows, as far as the actor's grant goes.

        Raises:
            NotFound: unknown or forbidden.
            Denied: no grant of the actor's is for the purpose stated (``other_purpose``).
            Throttled: the grant is used up for today.
            Invalid: an unknown column, a value that does not fit, or a mark of another walk.

        """
        return self._page(self._open(actor, table, Exit.ROW_API, purpose), query)

    def _page(self, governed: GovernedTable, query: rowquery.RowQuery) -> RowsPage:
        page = governed.page(filters=query.filters, sort=query.sort, after=query.after, limit=query.size)
        shown = {column.name: column.type for column in governed.columns}
        names = list(dict.fromkeys(query.columns)) or list(shown)
        for name in names:
            if name not in shown:
                raise rowquery.unknown_column(name, shown)
        found = page.rows.select(names)
        return RowsPage(
            table=governed.table,
            delivered=governed.delivered,
            version=governed.version,
            columns=tuple(c for c in governed.columns if c.name in names),
            rows=files.records(found, self.parts.zone.key),
            next=page.next,
            receipt=governed.receipt,
            contract=governed.contract,
            in_doubt=tuple(name for name in names if name in governed.in_doubt),
        )

    def verify(self, actor: Actor, table: str, values: Mapping[str, str], purpose: str = "") -> Verified:
        """Tell whether values belong together in some row (核验), with what proves it; no value is handed over.

        Raises:
            NotFound: unknown or forbidden, or no grant opens it.
            Denied: no grant of the actor's is for the purpose stated.
            Invalid: other items than those of the grant.
            Throttled: the calls of the day are used up.

        """
        stored, stated = self._stated(actor, table, Exit.VERIFY, purpose)
        return self.parts.gate.verify(actor, stored, values, stated)

    def count(self, actor: Actor, table: str, filters: Sequence[Filter], purpose: str = "") -> Counted:
        """Tell how many rows meet conditions (统计计数); small numbers, and what could tell of a few, are not told.

        Raises:
            NotFound: unknown or forbidden, or no grant opens it.
            Denied: no grant of the actor's is for the purpose stated.
            Invalid: a condition on something else than an item of the grant.
            Refused: it could be held against an earlier answer.
            Throttled: the calls of the day are used up.

        """
        stored, stated = self._stated(actor, table, Exit.COUNT, purpose)
        return self.parts.gate.count(actor, stored, filters, stated)

    def look(self, actor: Actor, grant_id: str, after: str | None = None) -> RowsPage:
        """Return one page of the rows of a grant, to be looked at.

        Raises:
            NotFound: no such grant of the actor's, or it opens no pages.
            Throttled: the grant is used up for today.

        """
        grant = self._held(actor, grant_id)
        governed = self.parts.gate.open(actor, grant.table, grant.purpose, Exit.PAGE, grant=grant.id)
        return self._page(governed, rowquery.RowQuery(after=after))

    def file(
        self, actor: Actor, table: str, order: files.DownloadOrder, purpose: str = "", *, grant: str = ""
    ) -> files.Download:
        """Return the released rows as a file, under the ``grant`` that is named, if one is; the first piece is ready then.

        Files for people, and all of a grade that asks for it, say in words who took them under which grant.

        Raises:
            NotFound: unknown or forbidden.
            Denied: no grant of the actor's is for the purpose stated.
            Throttled: the grant does not cover so many rows today.

        """
        governed = self._open(actor, table, Exit.DOWNLOAD, purpose, grant)
        zoned = self.marked(actor, governed, order, purpose)
        name = files.file_name(governed.table, governed.version, zoned)
        content = files.receipted(governed, zoned)
        proof = governed.contract, governed.receipt, governed.in_doubt
        return files.Download(name, files.media_type(zoned), content, *proof)

    def marked(
        self, actor: Actor, governed: GovernedTable, order: files.DownloadOrder, purpose: str, *, always: bool = False
    ) -> files.DownloadOrder:
        """Return the order with what the file says of itself, and under a grant with the invisible mark of its receipt."""
        self.access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)
        purpose = purpose or self._purpose(governed)
        grade = max((column.grade for column in governed.columns), default="L1")
        plain = order.form is files.DownloadFormat.JSON or order.encoding is files.DownloadEncoding.UTF8
        marked = (
            always
            or not plain
            or order.form is not files.DownloadFormat.CSV
            or asks(ControlRule.MARK, grade, self.today)
        )
        mark = self._mark(actor, governed, grade, purpose) if marked else None
        seed = self._seed(actor, governed, purpose) if governed.grant else None
        return replace(order, zone=self.parts.zone.key, mark=mark, seed=seed)

    def _purpose(self, governed: GovernedTable) -> str:
        """Return what a table is read for where the reader did not say: the purpose of the grant."""
        if not governed.grant:
            return ""
        with self.db.read() as connection:
            found = GrantStore(connection).get(governed.grant)
        return "" if found is None else found.purpose

    def _seed(self, actor: Actor, governed: GovernedTable, purpose: str) -> bytes:
        """Write down which file is marked how, before any row of it is out."""
        made = Mark(
            receipt=governed.receipt,
            grant_id=governed.grant,
            table=governed.table,
            version=governed.version,
            org_id=actor.org_id,
            by=actor.id,
            by_name=actor.name,
            purpose=purpose,
            columns=tuple(column.name for column in governed.columns if not column.masked),
            at=self.clock.now(),
        )
        with self.db.begin() as tx:
            HandingStore(tx.connection).add_mark(made)
        return self.parts.gate.seed_of(governed.receipt)

    def open_for_file(self, actor: Actor, table: str, purpose: str) -> GovernedTable:
        """Return a table as it may be had as a file.

        Raises:
            NotFound: unknown or forbidden.
            Denied: no grant of the actor's is for the purpose stated.

        """
        return self._open(actor, table, Exit.DOWNLOAD, purpose)

    def _held(self, actor: Actor, grant_id: str) -> Grant:
        with self.db.read() as connection:
            found = GrantStore(connection).get(grant_id)
        if found is not None:
            sides = (found.org_id, found.provider_id)
            if any(self.access.allows(actor, Permission.EXCHANGE_GRANT_READ, org) for org in sides):
                return found
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        raise no_grant()

    def _open(self, actor: Actor, table: str, exit_: Exit, purpose: str, grant: str = "") -> GovernedTable:
        stored, stated = self._stated(actor, table, exit_, purpose)
        return self.parts.gate.open(actor, stored, stated, exit_, grant=grant)

    def _stated(self, actor: Actor, table: str, exit_: Exit, purpose: str) -> tuple[str, str]:
        """Return the table's stored name, and the purpose to read for; one that no grant here is for is refused."""
        self.access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)
        stored = self.parts.gate.find(table)
        grants = self.parts.gate.grants
        held = [] if grants is None else [one for one in grants.held(actor, stored) if exit_ in one.exits]
        if purpose and purpose not in {one.purpose for one in held}:
            error = other_purpose(purpose, [one.purpose for one in held])
            self.parts.gate.refused(actor, Asked(table=stored, exit=exit_, purpose=purpose), error.reason)
            raise error
        return stored, purpose or (held[0].purpose if len(held) == 1 else "")

    def _mark(self, actor: Actor, governed: GovernedTable, grade: str, purpose: str) -> FileMark:
        try:
            whose = self.access.organisation(actor.org_id or "").name_zh
        except NotFound:
            whose = ""
        at = self.clock.now().astimezone(self.parts.zone)
        told = every_purpose().get(purpose)
        facts = {
            "grade": grade,
            "receipt": governed.receipt,
            "person": actor.name,
            "organisation": whose,
            "at": at.isoformat(timespec="seconds"),
            "purpose": told.zh if told else "",
            "table": f"{governed.table} v{governed.version}",
            "masked": "、".join(column.name for column in governed.columns if column.masked),
            "in_doubt": "、".join(governed.in_doubt),
        }
        use = f"用途 Purpose {told.zh} | " if told else ""
        line = f"级别 Grade {grade} | 取得 Taken by {actor.name} {whose} | {use}{at:%Y-%m-%d %H:%M:%S} | 回执 Receipt {governed.receipt}"
        return FileMark(line, facts)
