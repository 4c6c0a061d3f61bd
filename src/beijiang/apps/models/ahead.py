"""Tables that an application's own jobs fill: what stands in for them until the first run, so that a bundle is checked whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.apps.models.faults import Faults, line_of

if TYPE_CHECKING:
    from sqlglot import exp

    from beijiang.apps.models.bundle import Bundle, Query
    from beijiang.apps.models.jobs import JobSpec

__all__ = ["ahead", "check_filled", "filled_by"]


def filled_by(bundle: Bundle) -> Mapping[str, JobSpec]:
    """Return the jobs that fill tables which the application itself reads, by table."""
    return {job.table: job for job in bundle.jobs.values() if job.table and job.table in bundle.manifest.resources}


def ahead(bundle: Bundle) -> Bundle:
    """Return a bundle whose queries ask the job's query where they would read its table.

    So the columns, grades and answers are those that the table will have, whether it is there, is older, or is not.
    """
    filled = filled_by(bundle)
    if not filled:
        return bundle
    makers = {table: _read(bundle.queries[job.query].text) for table, job in filled.items()}
    writing = {job.query for job in filled.values()}
    queries = {
        name: query if name in writing else _standing_in(query, makers) for name, query in bundle.queries.items()
    }
    return replace(bundle, queries=queries)


def check_filled(bundle: Bundle, files: Mapping[str, str], faults: Faults) -> None:
    """Look whether what fills a table that the application reads has no parameters and does not read such a table itself."""
    filled = filled_by(bundle)
    for job in filled.values():
        query = bundle.queries.get(job.query)
        if query is None:
            continue  # said already
        if query.parameters:
            faults.say(
                job.file,
                line_of(files[job.file], "query"),
                (
                    "写入本应用所读的表的查询不能带参数",
                    "a query that fills a table of this application has no parameters",
                ),
                ("去掉参数，由页面查询筛选", "leave the parameters out and filter in the queries of pages"),
            )
        elif any(table.name in filled for table in _tables(_read(query.text))):
            faults.say(
                query.file,
                1,
                (
                    "作业的查询不能读本应用作业写的表",
                    "the query of a job reads no table that a job of the application fills",
                ),
                ("直接读来源表", "read the tables that it comes from"),
            )


def _read(text: str) -> exp.Expr:
    import sqlglot

    return sqlglot.parse_one(text, dialect="duckdb")


def _tables(tree: exp.Expr) -> list[exp.Table]:
    from sqlglot import exp

    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    return [one for one in tree.find_all(exp.Table) if not one.db and one.name not in named]


def _standing_in(query: Query, makers: Mapping[str, exp.Expr]) -> Query:
    from sqlglot import exp

    tree = _read(query.text)
    found = [one for one in _tables(tree) if one.name in makers]
    for one in found:
        alias = one.alias or one.name
        one.replace(
            exp.Subquery(this=makers[one.name].copy(), alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
        )
    return replace(query, text=tree.sql(dialect="duckdb")) if found else query
