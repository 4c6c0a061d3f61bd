"""Tables that an application's own jobs fill and its queries read: which they are, and what may fill them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beijiang.apps.models.faults import Faults, line_of

if TYPE_CHECKING:
    from sqlglot import exp

    from beijiang.apps.models.bundle import Bundle
    from beijiang.apps.models.jobs import JobSpec
    from beijiang.apps.models.manifest import Manifest

__all__ = ["Written", "check_filled", "clash", "filling", "tables_in", "tree_of", "written"]


@dataclass(frozen=True, slots=True)
class Written:
    """What a job writes into a table: by which statement, and whether pages of the application read it."""

    job: JobSpec
    statement: str
    """The statement with its values, so that layout and comments make no difference."""
    read: bool


def filling(jobs: Mapping[str, JobSpec], manifest: Manifest) -> Mapping[str, JobSpec]:
    """Return the jobs that fill tables which the application itself reads, by table."""
    return {job.table: job for job in jobs.values() if job.table and job.table in manifest.resources}


def written(bundle: Bundle) -> Mapping[str, Written]:
    """Return what the jobs of a version write, by the folded names of the tables."""
    return {
        _folded(job.table): Written(job, _statement(bundle, job), job.table in bundle.manifest.resources)
        for job in bundle.jobs.values()
        if job.table
    }


def clash(mine: Bundle, other: Bundle) -> JobSpec | None:
    """Return a job of ``mine`` that would fill a table of ``other`` by another statement, where pages of either read the table.

    A table has one name for one statement, so whoever fills it, of whichever version, writes the same. Another application's
    table is not filled at all.
    """
    theirs, same = written(other), mine.manifest.id == other.manifest.id
    for table, one in written(mine).items():
        known = theirs.get(table)
        if known is not None and (one.read or known.read) and not (same and one.statement == known.statement):
            return one.job
    return None


def _folded(table: str) -> str:
    return unicodedata.normalize("NFC", table).casefold()


def _statement(bundle: Bundle, job: JobSpec) -> str:
    query = bundle.queries[job.asks]
    defaults = {one.name: one.default for one in bundle.manifest.parameters}
    tree = tree_of(query.text)
    text = query.text if tree is None else tree.sql(dialect="duckdb", comments=False)
    return repr((text, [job.parameters.get(name, defaults.get(name)) for name in query.parameters]))


def tree_of(text: str) -> exp.Query | None:
    """Return a query as a tree, None for what is no single query that can be read."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
    except (SqlglotError, RecursionError):
        return None
    return tree if isinstance(tree, exp.Query) else None


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
            continue
        tree = tree_of(query.text)
        if tree is None:
            faults.say(
                query.file,
                1,
                ("不是一条能读的查询", "this is no query that can be read"),
                ("写一条 SELECT", "write one SELECT"),
            )
        elif any(table.name in filled for table in tables_in(tree)):
            faults.say(
                query.file,
                1,
                (
                    "作业的查询不能读本应用作业写的表",
                    "the query of a job reads no table that a job of the application fills",
                ),
                ("直接读来源表", "read the tables that it comes from"),
            )
