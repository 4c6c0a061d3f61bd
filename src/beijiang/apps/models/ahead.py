"""What stands in for the tables that an application's jobs fill, so that a bundle is checked whole before the first run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.apps.models.bundle import Bundle, Query, parse_bundle
from beijiang.apps.models.faults import Faults, faulty
from beijiang.apps.models.filling import check_filled, filling, tables_in, tree_of

if TYPE_CHECKING:
    from sqlglot import exp

    from beijiang.apps.models.jobs import JobSpec

__all__ = ["ahead", "filled_by", "handed_in"]


def filled_by(bundle: Bundle) -> Mapping[str, JobSpec]:
    """Return the jobs that fill tables which the application itself reads, by table."""
    return filling(bundle.jobs, bundle.manifest)


def handed_in(files: Mapping[str, str]) -> Bundle:
    """Read a bundle that is checked or handed in, with what stands in for its tables; what runs already is not asked this much.

    Raises:
        Invalid: something is wrong; every fault is named (``app_faulty``).

    """
    bundle, faults = parse_bundle(files), Faults()
    check_filled(bundle.jobs, bundle.queries, bundle.manifest, files, faults)
    if faults:
        raise faulty(faults)
    return ahead(bundle)


def ahead(bundle: Bundle) -> Bundle:
    """Return a bundle whose queries ask the job's query where they would read its table.

    So the columns, grades and answers are those that the table will have, whether it is there, is older, or is not. What cannot
    be read is left as it is, and told where it is asked; what has parameters cannot stand in.
    """
    filled = filled_by(bundle)
    if not filled:
        return bundle
    written = {table: bundle.queries[job.query] for table, job in filled.items()}
    makers = {
        table: tree
        for table, query in written.items()
        if not query.parameters and (tree := tree_of(query.text)) is not None
    }
    writing = {job.query for job in filled.values()}
    queries = {
        name: query if name in writing else _standing_in(query, makers) for name, query in bundle.queries.items()
    }
    return replace(bundle, queries=queries)


def _standing_in(query: Query, makers: Mapping[str, exp.Expr]) -> Query:
    from sqlglot import exp

    tree = tree_of(query.text)
    if tree is None:
        return query
    found = [one for one in tables_in(tree) if one.name in makers]
    for one in found:
        alias = exp.TableAlias(this=exp.to_identifier(one.alias or one.name, quoted=True))
        one.replace(exp.Subquery(this=makers[one.name].copy(), alias=alias))
    return replace(query, text=tree.sql(dialect="duckdb")) if found else query
