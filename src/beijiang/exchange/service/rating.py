"""Ratings: who had data under a grant says how they served; the provider answers in public."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.exchange.models.ratings import STARS, Rating, Ratings
from beijiang.exchange.service.base import Base, said
from beijiang.exchange.store import GrantStore, RatingStore
from beijiang.kit import Denied, Invalid, NotFound

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["RatingBook"]


class RatingBook(Base):
    """What departments think of what they got, entry by entry."""

    def of(self, actor: Actor, resource_id: str) -> Ratings:
        """Return the ratings of an entry that the actor may see.

        Raises:
            NotFound: no such entry.

        """
        entry = self.parts.catalog.published(actor, resource_id).version.entry
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        with self.db.read() as connection:
            found = RatingStore(connection).of(resource_id)
        mine = self.access.allows(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        return Ratings(
            resource_id=resource_id,
            ratings=tuple(found),
            may_rate=mine and self._had(actor.org_id or "", resource_id),
            may_answer=self.access.allows(actor, Permission.EXCHANGE_GRANT_MANAGE, entry.provider_id),
        )

    def rate(self, actor: Actor, resource_id: str, stars: int, words: str = "") -> Rating:
        """Say what the actor's department thinks of an entry; a later word replaces the earlier one, which evidence keeps.

        Raises:
            NotFound: no such entry.
            Denied: the department never had a grant of it.
            Invalid: not one to five stars, or one or two without a reason.

        """
        self.parts.catalog.published(actor, resource_id)
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        org = actor.org_id or ""
        if not self._had(org, resource_id):
            raise Denied(
                "只有得到过授权的部门可以评价。请先申请共享。",
                "Only a department that had a grant of it may rate it. Ask for it first.",
                code="rating_without_grant",
            )
        if stars not in STARS:
            raise Invalid("请给一至五星。", "Give one to five stars.", code="bad_stars")
        given = Rating(
            resource_id=resource_id,
            org_id=org,
            stars=stars,
            words=said(words, needed=stars < STARS[2]),
            by_name=actor.name,
            at=self.clock.now(),
        )
        self._put(actor, given, "exchange.rate", {"stars": stars, "words": given.words})
        return given

    def answer(self, actor: Actor, resource_id: str, org_id: str, words: str) -> Rating:
        """Answer a rating for the provider.

        Raises:
            NotFound: no such entry, or no rating of the department's.
            Invalid: no words.

        """
        entry = self.parts.catalog.published(actor, resource_id).version.entry
        self.access.require(actor, Permission.EXCHANGE_GRANT_MANAGE, entry.provider_id)
        with self.db.read() as connection:
            found = [one for one in RatingStore(connection).of(resource_id) if one.org_id == org_id]
        if not found:
            raise NotFound("没有这条评价。", "There is no such rating.", code="rating_not_found")
        text = said(words, needed=True)
        answered = replace(found[0], answer=text, answered_by=actor.name, answered_at=self.clock.now())
        self._put(actor, answered, "exchange.rating_answer", {"words": text})
        return answered

    def _had(self, org_id: str, resource_id: str) -> bool:
        with self.db.read() as connection:
            return GrantStore(connection).had(org_id, resource_id)

    def _put(self, actor: Actor, rating: Rating, action: str, detail: dict[str, JsonValue]) -> None:
        with self.db.begin() as tx:
            RatingStore(tx.connection).put(rating)
            facts: dict[str, JsonValue] = {"org": rating.org_id, **detail}
            self.parts.evidence.record(tx, actor, action, target=rating.resource_id, detail=facts)
