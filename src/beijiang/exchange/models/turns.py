"""Whose move it is, said so that a database can look for it among all matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Judge", "MatterReader", "Turn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A move that a reader may take: where a matter has to stand, and for which departments the reader may."""

    states: Sequence[str]
    side: str
    orgs: Sequence[str]
    once: bool = False
    """Whether it is taken once only."""
    barred: Sequence[str] = ()
    """People of whom none may have been a party to a matter: the reader, and whom the reader stands in for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Somebody who may decide stages: by which right for the requests to which providers."""

    person_id: str
    orgs: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterReader:
    """Who looks at matters: the departments whose matters are seen, and the moves that are this reader's."""

    orgs: Sequence[str]
    every: bool
    turns: Sequence[Turn] = ()
