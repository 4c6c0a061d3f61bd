"""The life of an application: submit, review, release, roll back, switch off; every step in evidence, none by oneself."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.apps.errors import no_app, own_work, wrong_state
from beijiang.apps.events import AppMoved
from beijiang.apps.models import (
    App,
    AppVersion,
    AudienceKind,
    Bundle,
    Release,
    Usage,
    VersionState,
    digest_of,
    unpack,
)
from beijiang.apps.models.faults import faulty
from beijiang.apps.service.audience import departments, people, said
from beijiang.apps.service.checking import Checked, Checking, OpenedGrant
from beijiang.apps.store import AppStore, CanaryStore, UsageStore
from beijiang.kit import BeijiangError, Conflict, NotFound, Refused

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Apps"]

USAGE_DAYS: Final = 30


class Apps(Checking):
    """Hosted applications: written as files, reviewed, released, and run as whoever looks."""

    def store(self, actor: Actor) -> Sequence[tuple[App, Bundle]]:
        """Return the applications that are released to the actor: the store."""
        self.access.require(actor, Permission.APPS_APP_OPEN)
        with self.db.read() as connection:
            found = AppStore(connection).all()
        shown = []
        for app in found:
            try:
                shown.append(self.open(actor, app.id))
            except (NotFound, Conflict):  # not for the actor, or changed behind the platform's back: not offered
                continue
        return shown

    def reading(self, table: str, org_id: str) -> list[str]:
        """Return the names of a department's applications in the store that read a table; one that does not open is left out."""
        with self.db.read() as connection:
            store = AppStore(connection)
            live = [one for one in store.all() if one.org_id == org_id and one.serves]
            marks = [(one, store.mark(one.id, one.current or 0)) for one in live]
        names = []
        for app, mark in marks:
            with contextlib.suppress(BeijiangError):
                tables = () if mark is None else self.bundle_of(mark).manifest.resources
                if table in {self.gate.find(name) for name in tables}:
                    names.append(app.name.zh)
        return names

    def apps(self, actor: Actor) -> Sequence[App]:
        """Return the applications that the actor has to do with: those of the own department, all for the authority."""
        self.access.require(actor, Permission.APPS_APP_OPEN)
        with self.db.read() as connection:
            found = AppStore(connection).all()
        return [app for app in found if self._inside(actor, app)]

    def app(self, actor: Actor, app_id: str) -> tuple[App, Sequence[AppVersion]]:
        """Return an application and its versions, newest first.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self.access.require(actor, Permission.APPS_APP_OPEN)
        found = self._known(actor, app_id)
        with self.db.read() as connection:
            return found, AppStore(connection).versions(app_id)

    def usage(self, actor: Actor, app_id: str) -> Sequence[Usage]:
        """Return how an application was used in the last 30 days, newest first, for whoever has to do with it.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self.access.require(actor, Permission.APPS_APP_OPEN)
        self._known(actor, app_id)
        self.counting.write()
        with self.db.read() as connection:
            return UsageStore(connection).since(self.clock.now().date() - timedelta(days=USAGE_DAYS), app_id)

    def costs(self, actor: Actor) -> Mapping[str, Usage]:
        """Return what the pages of each application cost in the last 30 days, for who reviews applications.

        Raises:
            Denied: the actor does not review applications.

        """
        self.access.require(actor, Permission.APPS_APP_REVIEW)
        self.counting.write()
        with self.db.read() as connection:
            found = UsageStore(connection).since(self.clock.now().date() - timedelta(days=USAGE_DAYS))
        whole: dict[str, Usage] = {}
        for one in found:
            whole[one.app_id] = whole[one.app_id].plus(one) if one.app_id in whole else one
        return whole

    def submit_zip(self, actor: Actor, content: bytes) -> tuple[App, AppVersion]:
        """Submit a bundle that came as a zip; see ``submit``."""
        self.access.require(actor, Permission.APPS_APP_OPEN)
        return self.submit(actor, unpack(content))

    def submit(self, actor: Actor, files: Mapping[str, str]) -> tuple[App, AppVersion]:
        """Check a bundle and hand it in for review as a new version.

        Raises:
            Invalid: it has faults (``app_faulty``).
            Denied: the actor may not build for the department that it names.
            Conflict: another department has an application of this name, or nothing changed since the last version.

        """
        checked = self.check(actor, files)
        if not checked.good:
            raise faulty(checked.faults)
        with self.db.begin() as tx:
            app, version = self._added(tx, actor, checked, files)
            detail: dict[str, JsonValue] = {
                "version": version.number,
                "label": version.label,
                "sha256": version.digest,
                "resources": [*checked.bundle.manifest.resources],
            }
            self.evidence.record(tx, actor, "apps.app_submit", target=app.id, detail=detail)
        return app, version

    def opens(self, actor: Actor, app_id: str, number: int) -> Sequence[OpenedGrant]:
        """Return what the grants open under which a version reads, for whoever has to do with the application.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self.access.require(actor, Permission.APPS_APP_OPEN)
        self._known(actor, app_id)
        with self.db.read() as connection:
            found = AppStore(connection).version(app_id, number)
        if found is None:
            raise no_app()
        return self.opened(self.bundle_of(found))

    def review(
        self, actor: Actor, app_id: str, number: int, *, approve: bool, note: str, own_grants: bool = False
    ) -> AppVersion:
        """Approve a version or send it back, with a reason; ``own_grants`` allows it to read under grants of its own.

        Raises:
            Refused: it reads under grants of its own, and that is not allowed with the approval (``app_own_grants``).
            Denied: the actor submitted it (``app_self_approval``).
            Conflict: it does not wait for review (``app_state``), or a job of it would fill a table of another version with
                something else (``app_table_taken``).

        """
        app = self._known(actor, app_id)
        self.access.require(actor, Permission.APPS_APP_REVIEW, app.org_id)
        note = said(note)
        with self.db.begin() as tx:
            found = self._version(tx, app_id, number)
            if found.by_id == actor.id:
                raise own_work()
            if found.state is not VersionState.SUBMITTED:
                raise wrong_state("这个版本不在待审核状态。", "This version does not wait for review.")
            if approve:
                self.check_statements(found)
            opened = self.own_grants(self.bundle_of(found)) if approve else {}
            if opened and not own_grants:
                raise _not_allowed(tuple(opened))
            state = VersionState.APPROVED if approve else VersionState.RETURNED
            decided = replace(found, state=state, decided_by=actor.name, decided_by_id=actor.id, note=note)
            AppStore(tx.connection).decide(decided)
            detail: dict[str, JsonValue] = {"version": number, "sha256": found.digest, "note": note}
            detail |= {"own_grants": {table: own.id for table, own in opened.items()}} if opened else {}
            what = "approve" if approve else "return"
            self.evidence.record(tx, actor, f"apps.app_{what}", target=app_id, detail=detail)
        return decided

    def release(self, actor: Actor, app_id: str, number: int, kind: AudienceKind, names: Sequence[str] = ()) -> App:
        """Give readers an approved version; the one before stays and can be gone back to.

        Raises:
            Denied: the actor submitted it (``app_self_approval``).
            Conflict: it is not approved (``app_state``), or a table that it reads is not the one that its job fills (see
                ``check_filled``).
            Refused: it is for the public, and reads what is not open (``app_not_public``).
            Invalid, NotFound: nobody is named, or somebody who is not there.

        """
        app = self._known(actor, app_id)
        self.access.require(actor, Permission.APPS_APP_RELEASE, app.org_id)
        to = self._release(kind, names)
        with self.db.read() as connection:
            wanted = AppStore(connection).version(app_id, number)
        if wanted is not None:
            self.check_filled(wanted)
        if wanted is not None and kind is AudienceKind.PUBLIC:
            self._check_public(self.bundle_of(wanted))
        with self.db.begin() as tx:
            found = self._version(tx, app_id, number)
            if found.by_id == actor.id:
                raise own_work()
            if found.state is not VersionState.APPROVED:
                raise wrong_state("只有审核通过的版本可以发布。", "Only a version that was approved is released.")
            self._no_trial(tx, app_id)
            now = self.clock.now()
            AppStore(tx.connection).decide(
                replace(found, state=VersionState.RELEASED, released_by=actor.name, released_at=now)
            )
            changed = self._served(tx, app_id, found, to)
            detail: dict[str, JsonValue] = {"version": number, "sha256": found.digest, "to": to.to_json()}
            self.evidence.record(tx, actor, "apps.app_release", target=app_id, detail=detail)
        return changed

    def audience(
        self, actor: Actor, app_id: str, number: int, kind: AudienceKind, names: Sequence[str] = (), *, reason: str
    ) -> App:
        """Give the version in use to other readers; the next request of whoever is no longer among them is refused.

        Raises:
            Denied: the actor submitted it (``app_self_approval``).
            Conflict: it is not the version in use, or they have it already (``app_state``).
            Refused: it is for the public, and reads what is not open (``app_not_public``).
            Invalid, NotFound: no reason, nobody is named, or somebody who is not there.

        """
        app = self._known(actor, app_id)
        self.access.require(actor, Permission.APPS_APP_RELEASE, app.org_id)
        reason, to = said(reason), self._release(kind, names)
        self.check_audience(replace(app, release=to), number)
        with self.db.begin() as tx:
            found, now = self._version(tx, app_id, number), self._current(tx, app_id)
            if found.by_id == actor.id:
                raise own_work()
            if now.current != number or now.release is None:
                raise wrong_state(
                    "只有正在使用的版本可以改发布范围。", "Only the version in use is given to other readers."
                )
            if now.release == to:
                raise wrong_state("发布范围没有变化。", "It is released to just these already.")
            self._no_trial(tx, app_id)
            changed = replace(now, release=to, at=self.clock.now())
            AppStore(tx.connection).set(changed)
            detail: dict[str, JsonValue] = {
                "version": number,
                "sha256": found.digest,
                "from": now.release.to_json(),
                "to": to.to_json(),
                "reason": reason,
            }
            self.evidence.record(tx, actor, "apps.app_audience", target=app_id, detail=detail)
        return changed

    def rollback(self, actor: Actor, app_id: str, number: int, reason: str) -> App:
        """Go back to a version that was released before, for the same readers.

        Raises:
            Conflict: the version was never released, or readers have it already (``app_state``).

        """
        app = self._known(actor, app_id)
        self.access.require(actor, Permission.APPS_APP_RELEASE, app.org_id)
        reason = said(reason)
        self.check_audience(app, number)
        with self.db.begin() as tx:
            found = self._version(tx, app_id, number)
            now = self._current(tx, app_id)
            if found.state is not VersionState.RELEASED or now.current == number or now.release is None:
                raise wrong_state(
                    "只能回退到以前发布过的另一个版本。", "One goes back to another version that was released before."
                )
            self._no_trial(tx, app_id)
            changed = self._served(tx, app_id, found, now.release)
            detail: dict[str, JsonValue] = {"from": now.current, "version": number, "reason": reason}
            self.evidence.record(tx, actor, "apps.app_rollback", target=app_id, detail=detail)
        return changed

    def switch(self, actor: Actor, app_id: str, *, off: bool, reason: str) -> App:
        """Switch an application off, or on again; the next request meets it. Its department may switch it off too.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        app = self._known(actor, app_id)
        if not (off and self.access.allows(actor, Permission.APPS_APP_BUILD, app.org_id)):
            self.access.require(actor, Permission.APPS_APP_RELEASE, app.org_id)
        reason = said(reason)
        with self.db.begin() as tx:
            changed = replace(self._current(tx, app_id), off=off, off_reason=reason if off else "", at=self.clock.now())
            AppStore(tx.connection).set(changed)
            tx.publish(AppMoved(app_id=app_id))
            what = "off" if off else "on"
            self.evidence.record(tx, actor, f"apps.app_{what}", target=app_id, detail={"reason": reason})
        return changed

    def files(self, actor: Actor, app_id: str, number: int) -> Mapping[str, str]:
        """Return the files of a version, for whoever has to do with it.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self.access.require(actor, Permission.APPS_APP_OPEN)
        self._known(actor, app_id)
        with self.db.read() as connection:
            found = AppStore(connection).version(app_id, number)
        if found is None:
            raise no_app()
        return found.files

    def _added(
        self, tx: UnitOfWork, actor: Actor, checked: Checked, files: Mapping[str, str]
    ) -> tuple[App, AppVersion]:
        facts, store, now = checked.bundle.manifest, AppStore(tx.connection), self.clock.now()
        app = store.get(facts.id)
        if app is not None and app.org_id != facts.owner:
            raise Conflict(
                f"应用名 {facts.id} 已被使用，请换一个。",
                f"The name {facts.id} is taken; choose another.",
                code="app_taken",
            )
        if app is None:
            app = App(id=facts.id, org_id=facts.owner, name=facts.name, purpose=facts.purpose, at=now)
            store.add(app)
        digest = digest_of(files)
        last = next(iter(store.versions(facts.id)), None)
        if last is not None and last.digest == digest and last.state is not VersionState.RETURNED:
            raise wrong_state(
                f"内容与第 {last.number} 版相同，没有改动。", f"Nothing changed since version {last.number}."
            )
        version = AppVersion(
            app_id=facts.id,
            number=store.next_number(facts.id),
            label=facts.version,
            digest=digest,
            files=dict(files),
            state=VersionState.SUBMITTED,
            checks=tuple(checked.checks),
            by_id=actor.id,
            by=actor.name,
            at=now,
        )
        store.add_version(version)
        return app, version

    def _current(self, tx: UnitOfWork, app_id: str) -> App:
        found = AppStore(tx.connection).get(app_id)
        if found is None:
            raise no_app()
        return found

    def _version(self, tx: UnitOfWork, app_id: str, number: int) -> AppVersion:
        found = AppStore(tx.connection).version(app_id, number)
        if found is None:
            raise no_app()
        return found

    def _served(self, tx: UnitOfWork, app_id: str, version: AppVersion, to: Release) -> App:
        facts = self.bundle_of(version).manifest
        now = self._current(tx, app_id)
        changed = replace(
            now, current=version.number, release=to, name=facts.name, purpose=facts.purpose, at=self.clock.now()
        )
        AppStore(tx.connection).set(changed)
        tx.publish(AppMoved(app_id=app_id))
        return changed

    def check_audience(self, app: App, number: int) -> None:
        """Return if those to whom an application is released may have a version of it.

        Raises:
            Refused: it is for the public, and the version reads what is not open (``app_not_public``).

        """
        with self.db.read() as connection:
            wanted = AppStore(connection).version(app.id, number)
        if wanted is not None and app.release is not None and app.release.kind is AudienceKind.PUBLIC:
            self._check_public(self.bundle_of(wanted))

    def _no_trial(self, tx: UnitOfWork, app_id: str) -> None:
        if CanaryStore(tx.connection).get(app_id) is not None:
            raise wrong_state(
                "有一个版本正在试发，请先转正或撤回。", "A version is on trial; promote or withdraw it first."
            )

    def _check_public(self, bundle: Bundle) -> None:
        closed = self._closed_to_public(bundle)
        if closed:
            raise Refused(
                f"不能向公众发布：查询 {'、'.join(closed)} 用到未开放的数据。请改为向部门发布，或只用已开放的数据。",
                f"It is not released to the public: {', '.join(closed)} read what is not open. Release it to departments, or "
                "read open data only.",
                code="app_not_public",
            )

    def _release(self, kind: AudienceKind, names: Sequence[str]) -> Release:
        if kind is AudienceKind.PUBLIC:
            return Release(kind=kind)
        if kind is AudienceKind.DEPARTMENTS:
            return Release(kind=kind, names=departments(self.access, names))
        logins, ids = people(self.access, names)
        return Release(kind=kind, names=logins, people=ids)


def _not_allowed(tables: Sequence[str]) -> Refused:
    return Refused(
        f"这一版用本部门的授权读取 {'、'.join(tables)}。请先看授权开放了什么，同意后再通过，或退回。",
        f"This version reads {', '.join(tables)} under grants of its department. See what they open and allow it with the "
        "approval, or send it back.",
        code="app_own_grants",
    )
