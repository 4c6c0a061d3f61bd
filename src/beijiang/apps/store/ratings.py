"""Ratings of applications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from beijiang.apps.models.ratings import AppRating, Stars
from beijiang.apps.store.life_schema import hosted_rating

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["AppRatingStore"]

_R = hosted_rating.c


class AppRatingStore:
    """Read and write on one connection; a reader has one rating of an application at most."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, app_id: str, *, hidden: bool) -> Sequence[AppRating]:
        """Return the ratings of an application, newest first; with the hidden ones if they are wanted."""
        query = select(hosted_rating).where(_R.app_id == app_id).order_by(_R.at.desc(), _R.id)
        return [_rating(row) for row in self._connection.execute(query if hidden else query.where(_R.hidden == ""))]

    def of_person(self, app_id: str, person_id: str) -> AppRating | None:
        """Return what one reader said."""
        query = select(hosted_rating).where(_R.app_id == app_id, _R.person_id == person_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _rating(row)

    def get(self, app_id: str, rating_id: str) -> AppRating | None:
        """Return one rating of an application."""
        query = select(hosted_rating).where(_R.app_id == app_id, _R.id == rating_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _rating(row)

    def put(self, one: AppRating) -> None:
        """Write a rating, in the place of the one that has its id."""
        facts = {"stars": one.stars, "words": one.words, "at": one.at, "answer": one.answer}
        facts |= {"answered_at": one.answered_at, "hidden": one.hidden}
        if not self._connection.execute(update(hosted_rating).where(_R.id == one.id).values(**facts)).rowcount:
            key = {"id": one.id, "app_id": one.app_id, "person_id": one.person_id}
            self._connection.execute(insert(hosted_rating).values(**key, **facts))

    def remove(self, rating_id: str) -> None:
        """Remove a rating."""
        self._connection.execute(delete(hosted_rating).where(_R.id == rating_id))

    def stars(self) -> Mapping[str, Stars]:
        """Return the stars of every application that was rated."""
        query = (
            select(_R.app_id, _R.stars, func.count()).where(_R.hidden == "").group_by(_R.app_id, _R.stars)
        )  # fmt: skip
        found: dict[str, dict[int, int]] = {}
        for app_id, stars, count in self._connection.execute(query):
            found.setdefault(app_id, {})[stars] = count
        return {app_id: Stars(counts) for app_id, counts in found.items()}


def _rating(row: Row[Any]) -> AppRating:
    return AppRating(**row._mapping)  # noqa: SLF001 - the documented name of a row as a mapping
