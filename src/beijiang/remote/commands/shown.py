"""How answers look: the tables of the domains' own commands, so that near and far look the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from beijiang.kit import BeijiangError
from beijiang.terminal import Column, as_json, show

__all__ = ["Listed", "Shown"]

Facts: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A table of a domain, and how a thing of its JSON becomes a line."""

    columns: Sequence[Column]
    line: Callable[[Facts], dict[str, Any]]

    def show(self, found: Sequence[Facts]) -> None:
        """Print things as lines; a program gets the server's JSON."""
        show([dict(one) if as_json() else self.line(one) for one in found], self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What ``groups`` takes out of the domains' commands for us."""

    hits: Callable[[Facts, str], None]
    entry: Callable[[Facts], None]
    taken: Callable[[Facts], None]
    run: Callable[[Facts], None]
    runs: Callable[[Sequence[Facts]], None]
    failure: Callable[[Facts], BeijiangError]
    quarantine: Callable[[int, Facts, Sequence[Facts]], None]
    requests: Listed
    steps: Listed
    apps: Listed
    versions: Listed
    checks: Callable[[Sequence[Facts], Sequence[Facts]], None]
    bundle: Callable[[Path], bytes]
    """The files of an application's folder as a zip."""
