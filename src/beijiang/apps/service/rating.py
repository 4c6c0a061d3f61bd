"""Ratings: who uses an application says how it serves; its makers answer, the authority hides what is out of place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.apps.models import STARS, AppRating, AppRatings, Stars
from beijiang.apps.service.audience import said
from beijiang.apps.store import AppRatingStore
from beijiang.kit import ActorKind, Denied, Invalid, NotFound, new_id

if TYPE_CHECKING:
    from beijiang.apps.models import App
    from beijiang.apps.service.cycle import Apps
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["RatingsOfApps"]

WORDS_MOST: Final = 1000


class RatingsOfApps:
    """What readers think of applications. Whose a rating is, is told to nobody."""

    def __init__(self, apps: Apps) -> None:
        self.apps = apps
        self.access = apps.access

    def of(self, actor: Actor, app_id: str) -> AppRatings:
        """Return the ratings of an application that the actor can open or has to do with; hidden ones for the latter only.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self.access.require(actor, Permission.APPS_APP_OPEN)
        app, inside = self._seen(actor, app_id)
        with self.apps.db.read() as connection:
            store = AppRatingStore(connection)
            found = store.of(app_id, hidden=inside)
            mine = store.of_person(app_id, actor.id) if actor.kind is ActorKind.PERSON else None
        shown = [one.stars for one in found if not one.hidden]
        return AppRatings(
            app_id=app_id,
            stars=Stars({stars: shown.count(stars) for stars in STARS}),
            ratings=found,
            mine=mine,
            may_rate=actor.kind is ActorKind.PERSON and not self._makes(actor, app),
            may_answer=self._makes(actor, app),
            may_hide=self.access.allows(actor, Permission.APPS_APP_REVIEW, app.org_id),
        )

    def stars(self, actor: Actor) -> Mapping[str, Stars]:
        """Return the stars of each application, for the store: whoever gets it looks up those that he is shown."""
        self.access.require(actor, Permission.APPS_APP_OPEN)
        with self.apps.db.read() as connection:
            return AppRatingStore(connection).stars()

    def rate(self, actor: Actor, app_id: str, stars: int, words: str = "") -> AppRating:
        """Say what one thinks of an application that one can open; a later word replaces the earlier one.

        Raises:
            NotFound: unknown, or not released to the actor.
            Denied: nobody has signed in (``rating_signed_in``), or the actor makes it (``rating_own_app``).
            Invalid: not one to five stars (``bad_stars``), or too many words.

        """
        self.access.require(actor, Permission.APPS_APP_OPEN)
        app, _ = self.apps.open(actor, app_id)
        if actor.kind is not ActorKind.PERSON:
            raise Denied("请登录后评价。", "Sign in to rate an application.", code="rating_signed_in")
        if self._makes(actor, app):
            raise Denied(
                "不能评价本部门制作的应用，可以回复别人的评价。",
                "One does not rate what one's department makes; answer what others say.",
                code="rating_own_app",
            )
        if stars not in STARS:
            raise Invalid("请给一至五星。", "Give one to five stars.", code="bad_stars")
        words = words.strip()
        if len(words) > WORDS_MOST:
            raise Invalid(
                f"评价至多 {WORDS_MOST} 字。", f"Say it in at most {WORDS_MOST} characters.", code="rating_words"
            )
        with self.apps.db.begin() as tx:
            store = AppRatingStore(tx.connection)
            before = store.of_person(app_id, actor.id)
            given = AppRating(
                id=new_id("rtg") if before is None else before.id,
                app_id=app_id,
                person_id=actor.id,
                stars=stars,
                words=words,
                at=self.apps.clock.now(),
                hidden="" if before is None else before.hidden,
            )
            store.put(given)
            detail: dict[str, JsonValue] = {"rating": given.id, "stars": stars, "changed": before is not None}
            self.apps.evidence.record(tx, actor, "apps.rating_give", target=app_id, detail=detail)
        return given

    def remove(self, actor: Actor, app_id: str) -> None:
        """Take one's rating back.

        Raises:
            NotFound: unknown, or the actor gave none.

        """
        self.access.require(actor, Permission.APPS_APP_OPEN)
        self._seen(actor, app_id)
        with self.apps.db.begin() as tx:
            store = AppRatingStore(tx.connection)
            found = store.of_person(app_id, actor.id) if actor.kind is ActorKind.PERSON else None
            if found is None:
                raise _no_rating()
            store.remove(found.id)
            detail: dict[str, JsonValue] = {"rating": found.id}
            self.apps.evidence.record(tx, actor, "apps.rating_remove", target=app_id, detail=detail)

    def answer(self, actor: Actor, app_id: str, rating_id: str, words: str) -> AppRating:
        """Answer a rating for the department that makes the application.

        Raises:
            NotFound: no such application or rating, or none of the actor's business.
            Invalid: no words.

        """
        app, _ = self.apps.app(actor, app_id)
        self.access.require(actor, Permission.APPS_APP_BUILD, app.org_id)
        text = said(words)
        with self.apps.db.begin() as tx:
            found = self._rating(AppRatingStore(tx.connection), app_id, rating_id)
            answered = replace(found, answer=text, answered_at=self.apps.clock.now())
            AppRatingStore(tx.connection).put(answered)
            detail: dict[str, JsonValue] = {"rating": rating_id, "words": text}
            self.apps.evidence.record(tx, actor, "apps.rating_answer", target=app_id, detail=detail)
        return answered

    def hide(self, actor: Actor, app_id: str, rating_id: str, reason: str) -> AppRating:
        """Hide a rating that is out of place; the reason is kept, and its writer sees it.

        Raises:
            NotFound: no such application or rating, or none of the actor's business.
            Invalid: no reason.

        """
        app, _ = self.apps.app(actor, app_id)
        self.access.require(actor, Permission.APPS_APP_REVIEW, app.org_id)
        return self._moderated(actor, app_id, rating_id, said(reason), "apps.rating_hide")

    def show(self, actor: Actor, app_id: str, rating_id: str) -> AppRating:
        """Show a rating again that was hidden.

        Raises:
            NotFound: no such application or rating, or none of the actor's business.

        """
        app, _ = self.apps.app(actor, app_id)
        self.access.require(actor, Permission.APPS_APP_REVIEW, app.org_id)
        return self._moderated(actor, app_id, rating_id, "", "apps.rating_show")

    def _moderated(self, actor: Actor, app_id: str, rating_id: str, reason: str, action: str) -> AppRating:
        with self.apps.db.begin() as tx:
            found = replace(self._rating(AppRatingStore(tx.connection), app_id, rating_id), hidden=reason)
            AppRatingStore(tx.connection).put(found)
            detail: dict[str, JsonValue] = {"rating": rating_id, "reason": reason}
            self.apps.evidence.record(tx, actor, action, target=app_id, detail=detail)
        return found

    def _seen(self, actor: Actor, app_id: str) -> tuple[App, bool]:
        """Return an application, and whether the actor has to do with it beyond its pages."""
        try:
            return self.apps.app(actor, app_id)[0], True
        except NotFound:
            return self.apps.open(actor, app_id)[0], False

    def _makes(self, actor: Actor, app: App) -> bool:
        return self.access.allows(actor, Permission.APPS_APP_BUILD, app.org_id)

    @staticmethod
    def _rating(store: AppRatingStore, app_id: str, rating_id: str) -> AppRating:
        found = store.get(app_id, rating_id)
        if found is None:
            raise _no_rating()
        return found


def _no_rating() -> NotFound:
    return NotFound("没有这条评价。", "There is no such rating.", code="rating_not_found")
