"""Tables that an application's own jobs fill and its queries read: which they are, and what may fill them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from beijiang.apps.models.faults import Faults, line_of

if TYPE_CHECKING:
    from sqlglot import exp

    from beijiang.apps.models.jobs import JobSpec
    from beijiang.apps.models.manifest import Manifest

__all__ = ["check_filled", "filling", "tables_in", "tree_of"]


def filling(jobs: Mapping[str, JobSpec], manifest: Manifest) -> Mapping[str, JobSpec]:
    """Return the jobs that fill tables which the application itself reads, by table."""
    return {job.table: job for job in jobs.values() if job.table and job.table in manifest.resources}


def tree_of(text: str) -> exp.Expr:
    """Return a query as a tree."""
    import sqlglot

    return sqlglot.parse_one(text, dialect="duckdb")


def tables_in(tree: exp.Expr) -> list[exp.Table]:
    """Return where a query reads tables, those left out that it makes itself."""
    from sqlglot import exp

    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    return [one for one in tree.find_all(exp.Table) if not one.db and one.name not in named]


def check_filled(
    jobs: Mapping[str, JobSpec],
    queries: Mapping[str, Any],
    manifest: Manifest,
    files: Mapping[str, str],
    faults: Faults,
) -> None:
    """Look whether what fills a table that the application reads has no parameters and does not read such a table itself."""
    filled = filling(jobs, manifest)
    for job in filled.values():
        query = queries.get(job.query)
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
        elif any(table.name in filled for table in tables_in(tree_of(query.text))):
            faults.say(
                query.file,
                1,
                (
                    "作业的查询不能读本应用作业写的表",
                    "the query of a job reads no table that a job of the application fills",
                ),
                ("直接读来源表", "read the tables that it comes from"),
            )
