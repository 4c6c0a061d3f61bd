"""Notebooks with all their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, insert, or_, select, update

from beijiang.mining.models.notebooks import Notebook, NotebookDraft, Sharing
from beijiang.mining.store.notebook_schema import notebook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from beijiang.kit import Actor

__all__ = ["NotebookStore"]

_N = notebook.c
_PLAIN = ("id", "revision", "retired", "owner_id", "owner", "org_id", "by", "by_name", "at")


class NotebookStore:
    """Read and write notebooks on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, one: Notebook) -> None:
        """Add a version; it is the one in force from now on."""
        self._connection.execute(
            update(notebook).where(_N.id == one.id, _N.is_current.is_(True)).values(is_current=False)
        )
        whole = one.to_json()
        self._connection.execute(
            insert(notebook).values(
                **{name: getattr(one, name) for name in _PLAIN},
                is_current=True,
                name=one.name,
                description=one.description,
                sharing=one.sharing.value,
                parameters=whole["parameters"],
                cells=whole["cells"],
                note=one.note,
            )
        )

    def visible(self, actor: Actor) -> Sequence[Notebook]:
        """Return the notebooks that an actor keeps or that his organisation shares, by name."""
        seen = [_N.owner_id == actor.id]
        if actor.org_id is not None:
            seen.append(and_(_N.org_id == actor.org_id, _N.sharing != Sharing.PRIVATE.value))
        query = select(notebook).where(_N.is_current.is_(True), _N.retired.is_(False), or_(*seen))
        return [_notebook(row) for row in self._connection.execute(query.order_by(_N.name, _N.id))]

    def get(self, notebook_id: str) -> Notebook | None:
        """Return the version in force."""
        query = select(notebook).where(_N.id == notebook_id, _N.is_current.is_(True))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _notebook(row)

    def history(self, notebook_id: str) -> Sequence[Notebook]:
        """Return all versions, oldest first."""
        query = select(notebook).where(_N.id == notebook_id).order_by(_N.revision)
        return [_notebook(row) for row in self._connection.execute(query)]


def _notebook(row: Row[Any]) -> Notebook:
    whole = {"name": row.name, "description": row.description, "parameters": row.parameters, "cells": row.cells}
    draft = NotebookDraft.from_json(whole, sharing=Sharing(row.sharing), note=row.note)
    return Notebook(
        **{name: getattr(row, name) for name in _PLAIN},
        name=draft.name,
        description=draft.description,
        parameters=draft.parameters,
        cells=draft.cells,
        sharing=draft.sharing,
        note=draft.note,
    )
