"""What another catalog says of a data set, as far as this one can take it over; whoever harvests gives it this shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["Described", "Linked"]


class Linked(Protocol):
    """Where a part of a data set is to be had at its source."""

    @property
    def title(self) -> str:
        """What it is."""

    @property
    def url(self) -> str:
        """An http(s) address."""

    @property
    def format(self) -> str:
        """Its format, in the source's words."""


class Described(Protocol):
    """A data set in the terms of this catalog."""

    @property
    def name(self) -> str:
        """Name of the resource."""

    @property
    def summary(self) -> str:
        """Content, scope and use."""

    @property
    def provider_id(self) -> str:
        """The organisation here that answers for it."""

    @property
    def inner_office(self) -> str:
        """The office that the source names."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Divisions, the primary one first."""

    @property
    def formats(self) -> tuple[str, ...]:
        """Ids of formats."""

    @property
    def licence(self) -> str:
        """Id of a licence, empty if unknown."""

    @property
    def update_cycle(self) -> str:
        """Code of an update cycle."""

    @property
    def region_code(self) -> str | None:
        """Code of a region."""

    @property
    def keywords(self) -> tuple[str, ...]:
        """Words to find it by."""

    @property
    def time_span(self) -> str:
        """The time that it speaks of."""

    @property
    def contact(self) -> str:
        """Whom to ask."""

    @property
    def links(self) -> Sequence[Linked]:
        """Where it is to be had at its source."""

    @property
    def is_open(self) -> bool:
        """Whether its source is trusted and gives it under an open licence."""
