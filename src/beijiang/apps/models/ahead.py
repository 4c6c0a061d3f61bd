"""What stands in for the tables that an application's jobs fill, so that a bundle is checked whole before the first run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.apps.models.bundle import Bundle, Query
from beijiang.apps.models.filling import filling, tables_in, tree_of

if TYPE_CHECKING:
    from sqlglot import exp

    from beijiang.apps.models.jobs import JobSpec

__all__ = ["ahead", "filled_by"]


def filled_by(bundle: Bundle) -> Mapping[str, JobSpec]:
    """Return the jobs that fill tables which the application itself reads, by table."""
    return filling(bundle.jobs, bundle.manifest)


def ahead(bundle: Bundle) -> Bundle:
    """Return a bundle whose queries ask the job's query where they would read its table.

    So the columns, grades and answers are those that the table will have, whether it is there, is older, or is not.
    """
    filled = filled_by(bundle)
    if not filled:
        return bundle
    makers = {table: tree_of(bundle.queries[job.query].text) for table, job in filled.items()}
    writing = {job.query for job in filled.values()}
    queries = {
        name: query if name in writing else _standing_in(query, makers) for name, query in bundle.queries.items()
    }
    return replace(bundle, queries=queries)


def _standing_in(query: Query, makers: Mapping[str, exp.Expr]) -> Query:
    from sqlglot import exp

    tree = tree_of(query.text)
    found = [one for one in tables_in(tree) if one.name in makers]
    for one in found:
        alias = exp.TableAlias(this=exp.to_identifier(one.alias or one.name, quoted=True))
        one.replace(exp.Subquery(this=makers[one.name].copy(), alias=alias))
    return replace(query, text=tree.sql(dialect="duckdb")) if found else query
