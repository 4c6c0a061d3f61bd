"""Which kinds of source there are: everything that is installed under the entry point ``beijiang.connectors``."""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from typing import Final

from beijiang.ingest.connectors.contract import Connector
from beijiang.ingest.connectors.files import FileConnector
from beijiang.kit import Invalid

__all__ = ["GROUP", "connector", "kinds", "usable_kinds"]

log = logging.getLogger(__name__)

GROUP: Final = "beijiang.connectors"
_OURS: Final = "beijiang."


@cache
def _found() -> dict[str, EntryPoint]:
    """Return what is installed by name; no package takes the place of a kind that the platform brings itself."""
    found = sorted(entry_points(group=GROUP), key=lambda entry: entry.module.startswith(_OURS))
    return {entry.name: entry for entry in found}


def kinds() -> tuple[str, ...]:
    """Return the names of all installed kinds, built-in ones and others alike."""
    return tuple(sorted(_found()))


def usable_kinds() -> dict[str, type[Connector | FileConnector]]:
    """Return every kind that can be loaded; one that cannot is told in the log, and does not take the others along."""
    usable = {}
    for kind in kinds():
        try:
            usable[kind] = connector(kind)
        except Invalid as broken:
            log.warning("%s", broken.text.en)
    return usable


@cache
def connector(kind: str) -> type[Connector | FileConnector]:
    """Return the class behind a kind; it is imported only now.

    Raises:
        Invalid: ``unknown_connector``; ``connector_broken`` where its package cannot be loaded.

    """
    entry = _found().get(kind)
    if entry is None:
        raise Invalid(
            f"没有“{kind[:40]}”这种数据源。可用：{'、'.join(kinds())}。",
            f'There is no kind of source "{kind[:40]}". There are: {", ".join(kinds())}.',
            code="unknown_connector",
        )
    try:
        loaded = entry.load()
    except Exception as error:  # whatever a stranger's package does when it is loaded
        raise _broken(kind, entry, f"{type(error).__name__}: {error}") from error
    if not (isinstance(loaded, type) and issubclass(loaded, Connector | FileConnector)):
        raise _broken(kind, entry, "no subclass of beijiang.ingest.connectors.Connector")
    missing = [name for name in ("text", "options_model") if not hasattr(loaded, name)]
    if missing or isabstract(loaded):
        raise _broken(kind, entry, f"lacks {', '.join([*missing, *sorted(loaded.__abstractmethods__)])}")
    return loaded


def _broken(kind: str, entry: EntryPoint, why: str) -> Invalid:
    return Invalid(
        f"数据源种类“{kind[:40]}”的插件（{entry.value}）无法使用：{why}。请修正或卸载该插件包。",
        f'The plug-in of the kind "{kind[:40]}" ({entry.value}) cannot be used: {why}. Mend or remove its package.',
        code="connector_broken",
        detail={"kind": kind[:40]},
    )
