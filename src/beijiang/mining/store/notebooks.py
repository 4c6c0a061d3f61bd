"""Notebooks with all their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_

from beijiang.db import Revisions
from beijiang.mining.models.notebooks import Notebook, NotebookDraft, Sharing
from beijiang.mining.store.notebook_schema import notebook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from beijiang.kit import Actor

__all__ = ["NotebookStore"]

_N = notebook.c
_PLAIN = ("id", "revision", "retired", "owner_id", "owner", "org_id", "by", "by_name", "at")


class NotebookStore(Revisions[Notebook]):
    """Read and write notebooks on one connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, notebook, _notebook)

    def add(self, one: Notebook) -> None:
        """Add a version; it is the one in force from now on."""
        whole = one.to_json()
        self.put(
            {
                **{name: getattr(one, name) for name in _PLAIN},
                "name": one.name,
                "description": one.description,
                "sharing": one.sharing.value,
                "parameters": whole["parameters"],
                "cells": whole["cells"],
                "note": one.note,
            }
        )

    def visible(self, actor: Actor) -> Sequence[Notebook]:
        """Return the notebooks that an actor keeps or that his organisation shares, by name."""
        seen = [_N.owner_id == actor.id]
        if actor.org_id is not None:
            seen.append(and_(_N.org_id == actor.org_id, _N.sharing != Sharing.PRIVATE.value))
        return self.in_force(or_(*seen), by=(_N.name,))


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
