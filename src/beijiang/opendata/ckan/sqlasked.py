"""``datastore_search_sql``: one SELECT over tables by the ids of their resources, through the SQL gateway."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.kit import NotFound
from beijiang.opendata.ckan import dicts
from beijiang.opendata.ckan.datastore import PURPOSE, TABLES, Datastore, named
from beijiang.opendata.ckan.rowquestions import MOST
from beijiang.protection import Listed, QueryClass, QueryOrder, files

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.kit import Actor
    from beijiang.opendata.ckan.parameters import Parameters
    from beijiang.protection import Described, SqlGateway

__all__ = ["SqlAsked"]

SECONDS: Final = 10.0
_EXPLAIN: Final = re.compile(r"\s*EXPLAIN\s+(?:\(\s*FORMAT\s+(?:text|json|yaml|xml)\s*\)\s*)?", re.IGNORECASE)
_PLAN: Final = "QUERY PLAN"


class SqlAsked:
    """Queries of somebody with a right to SQL as theirs; of everybody else over what is open to all."""

    def __init__(self, rows: Datastore, sql: SqlGateway, access: Access) -> None:
        self._rows = rows
        self._sql = sql
        self._access = access

    def datastore_search_sql(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Return the answer of one SELECT; tables go by the ids of their resources.

        Raises:
            Refused: the text is not allowed, or names a table that is unknown or hidden, which look the same.
            Invalid: names or types do not fit.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        text = asked.needed("sql").strip().removesuffix(";")
        own = self._access.allows(actor, Permission.PROTECTION_SQL_RUN)
        order = QueryOrder(
            door=QueryClass.API,
            names=lambda name: self._table(actor, name),
            listed=self._lists(actor) if TABLES in text else {},
            rows=MOST,
            seconds=SECONDS,
            account=asked.whose,
        )
        explained = _EXPLAIN.match(text)
        if explained is not None:
            explain = self._sql.explain if own else self._sql.explain_open
            return _plan(asked.needed("sql"), explain(actor, text[explained.end() :], order))
        run = self._sql.run if own else self._sql.run_open
        answer = run(actor, text, PURPOSE, order)
        result = {
            "sql": asked.needed("sql"),
            "fields": [{"id": one.name, "type": named(one.type)} for one in answer.shown],
            "records": files.records(answer.rows, self._rows.zone),
        }
        return {**result, "records_truncated": True} if answer.truncated else result

    def _table(self, actor: Actor, name: str) -> str:
        """Return the table behind a resource, empty where there is none for this reader."""
        package_id, kind = dicts.parts(name)
        if kind != dicts.ROWS:
            return ""
        try:
            return self._rows.table_of(actor, package_id)[0]
        except NotFound:
            return ""

    def _lists(self, actor: Actor) -> dict[str, Listed]:
        names, _ = self._rows.names(actor)
        rows = tuple((place, name, place, None) for place, name in enumerate(names, 1))
        return {TABLES: Listed(("_id", "name", "oid", "alias_of"), rows)}


def _plan(sql: str, described: Described) -> dict[str, Any]:
    """Say what a query would read; how the engine goes about it is nobody's concern."""
    lines = [f"{len(one.columns)} columns of version {one.version} of a table" for one in described.reads]
    plan = "Select: " + ("; ".join(lines) or "no table")
    return {"sql": sql, "fields": [{"id": _PLAN, "type": "text"}], "records": [{_PLAN: plan}]}
