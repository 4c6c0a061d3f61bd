"""Which kinds of source there are: everything that is installed under the entry point ``beijiang.connectors``."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from beijiang.ingest.connectors.contract import Connector
from beijiang.ingest.connectors.files import FileConnector
from beijiang.kit import Invalid

__all__ = ["GROUP", "connector", "kinds"]

GROUP: Final = "beijiang.connectors"


@cache
def _found() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def kinds() -> tuple[str, ...]:
    """Return the names of all installed kinds, built-in ones and others alike."""
    return tuple(sorted(_found()))


@cache
def connector(kind: str) -> type[Connector | FileConnector]:
    """Return the class behind a kind; it is imported only now.

    Raises:
        Invalid: ``unknown_connector``.

    """
    entry = _found().get(kind)
    if entry is None:
        raise Invalid(
            f"没有“{kind[:40]}”这种数据源。可用：{'、'.join(kinds())}。",
            f'There is no kind of source "{kind[:40]}". There are: {", ".join(kinds())}.',
            code="unknown_connector",
        )
    loaded = entry.load()
    if not (isinstance(loaded, type) and issubclass(loaded, Connector | FileConnector)):
        msg = f"{entry.value} is no connector"
        raise TypeError(msg)
    return loaded
