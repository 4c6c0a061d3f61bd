"""Versions on trial: some readers get a new version first, both are held side by side, then it is promoted or withdrawn."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.apps.errors import no_app, own_work, wrong_state
from beijiang.apps.events import AppMoved
from beijiang.apps.models import Canary, CanaryKind, CanaryTo, Comparison, Side, VersionState
from beijiang.apps.service.audience import departments, people, said
from beijiang.apps.service.timing import hour_of
from beijiang.apps.store import AnswerStore, AppStore, CanaryStore
from beijiang.kit import Conflict, Invalid

if TYPE_CHECKING:
    from beijiang.apps.models import App, AppVersion
    from beijiang.apps.service.cycle import Apps
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["AppCanaries"]

SHARES: Final = range(1, 100)


class AppCanaries:
    """Begin, watch and end the trial of a version. It never goes to anybody to whom the application is not released."""

    def __init__(self, apps: Apps) -> None:
        self.apps = apps
        self.access = apps.access

    def begin(self, actor: Actor, app_id: str, number: int, to: CanaryTo) -> Canary:
        """Give an approved version to some of the readers; the others keep the one that they have.

        Raises:
            Denied: the actor submitted it (``app_self_approval``), or may not release.
            Conflict: it is not approved, nobody has the application yet, or another version is on trial (``app_state``);
                it or the version in use brings a server along, of which only one runs (``app_trial_server``).
            Refused: it is for the public, and reads what is not open (``app_not_public``).
            Invalid, NotFound: no share or nobody is named, or somebody who is not there.

        """
        app, _ = self.apps.app(actor, app_id)
        self.access.require(actor, Permission.APPS_APP_RELEASE, app.org_id)
        self.apps.check_audience(app, number)
        begun = self._begun(actor, app_id, number, to)
        with self.apps.db.begin() as tx:
            store = AppStore(tx.connection)
            now, found = store.get(app_id), store.version(app_id, number)
            if now is None or found is None:
                raise no_app()
            if found.by_id == actor.id:
                raise own_work()
            if found.state is not VersionState.APPROVED or now.current is None or now.release is None:
                raise wrong_state(
                    "只有审核通过的新版本可以试发，而且应用要已经发布。",
                    "Only a new version that was approved goes on trial, and the application has to be released already.",
                )
            self.apps.check_filled(found)
            if CanaryStore(tx.connection).get(app_id) is not None:
                raise wrong_state(
                    "已有一个版本在试发，请先转正或撤回。", "Another version is on trial; promote or withdraw it first."
                )
            _check_servers(found, store.version(app_id, now.current))
            CanaryStore(tx.connection).add(begun)
            detail: dict[str, JsonValue] = {**begun.to_json(), "sha256": found.digest, "beside": now.current}
            self.apps.evidence.record(tx, actor, "apps.canary_begin", target=app_id, detail=detail)
        return begun

    def comparison(self, actor: Actor, app_id: str) -> Comparison | None:
        """Return the trial of an application and how both versions answer, for whoever has to do with it; None for no trial.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self.access.require(actor, Permission.APPS_APP_OPEN)
        app, _ = self.apps.app(actor, app_id)
        self.apps.timing.write()
        with self.apps.db.read() as connection:
            found = CanaryStore(connection).get(app_id)
            if found is None or app.current is None:
                return None
            counts = AnswerStore(connection).since(hour_of(found.at), app_id)
        before, trial = (
            Side.of(number, [one for one in counts if one.version == number]) for number in (app.current, found.version)
        )
        return Comparison(canary=found, before=before, trial=trial)

    def promote(self, actor: Actor, app_id: str, reason: str, *, seen: str | None = None) -> App:
        """Give all readers the version on trial; ``seen`` is the token of the comparison that was shown.

        Raises:
            Denied: the actor submitted it (``app_self_approval``), or may not release.
            Conflict: no version is on trial (``app_state``); it is another trial, another version is in use, or the first
                answer failed since it was shown (``changed_since_seen``).

        """
        app, _ = self.apps.app(actor, app_id)
        self.access.require(actor, Permission.APPS_APP_RELEASE, app.org_id)
        found = self._found(actor, app_id)
        found.shown.check(seen)
        self.apps.check_audience(app, found.canary.version)
        return self._ended(actor, found, said(reason), promote=True)

    def withdraw(self, actor: Actor, app_id: str, reason: str) -> App:
        """End a trial; all readers have the version before, with the next request. Its department may withdraw it too.

        Raises:
            Conflict: no version is on trial (``app_state``).

        """
        app, _ = self.apps.app(actor, app_id)
        if not self.access.allows(actor, Permission.APPS_APP_BUILD, app.org_id):
            self.access.require(actor, Permission.APPS_APP_RELEASE, app.org_id)
        return self._ended(actor, self._found(actor, app_id), said(reason), promote=False)

    def _found(self, actor: Actor, app_id: str) -> Comparison:
        found = self.comparison(actor, app_id)
        if found is None:
            raise _no_trial()
        return found

    def _begun(self, actor: Actor, app_id: str, number: int, to: CanaryTo) -> Canary:
        names: tuple[str, ...] = ()
        ids: tuple[str, ...] = ()
        if to.kind is CanaryKind.DEPARTMENTS:
            names = departments(self.access, to.names)
        elif to.kind is CanaryKind.PEOPLE:
            names, ids = people(self.access, to.names)
        elif to.percent not in SHARES:
            raise Invalid("请写 1 到 99 的百分数。", "Give a share from 1 to 99 percent.", code="app_share")
        return Canary(
            app_id=app_id,
            version=number,
            kind=to.kind,
            names=names,
            people=ids,
            percent=to.percent if to.kind is CanaryKind.SHARE else 0,
            salt=secrets.token_hex(16),
            by_id=actor.id,
            by=actor.name,
            at=self.apps.clock.now(),
        )

    def _ended(self, actor: Actor, found: Comparison, reason: str, *, promote: bool) -> App:
        app_id, number = found.canary.app_id, found.canary.version
        with self.apps.db.begin() as tx:
            store = AppStore(tx.connection)
            version, now = store.version(app_id, number), store.get(app_id)
            if version is None or now is None or not CanaryStore(tx.connection).end(app_id):
                raise _no_trial()
            if promote:
                if version.by_id == actor.id:
                    raise own_work()
                at, facts = self.apps.clock.now(), self.apps.bundle_of(version).manifest
                store.decide(replace(version, state=VersionState.RELEASED, released_by=actor.name, released_at=at))
                now = replace(now, current=number, name=facts.name, purpose=facts.purpose, at=at)
                store.set(now)
                tx.publish(AppMoved(app_id=app_id))
            detail: dict[str, JsonValue] = {
                "version": number,
                "sha256": version.digest,
                "reason": reason,
                "before": found.before.to_json(),
                "trial": found.trial.to_json(),
            }
            what = "apps.canary_promote" if promote else "apps.canary_withdraw"
            self.apps.evidence.record(tx, actor, what, target=app_id, detail=detail)
        return now


def _check_servers(*versions: AppVersion | None) -> None:
    """Refuse a trial beside a server: an application has one process and one folder for it, not one for each version."""
    if any(name.startswith("server/") for one in versions if one is not None for name in one.files):
        raise Conflict(
            "带服务（server/）的版本不能试发：一个应用同时只运行一个版本的服务。请直接发布。",
            "A version with a server (server/) is not tried out: of an application the server of one version runs at a time. "
            "Release it to all at once.",
            code="app_trial_server",
        )


def _no_trial() -> Conflict:
    return wrong_state("没有正在试发的版本。", "No version is on trial.")
