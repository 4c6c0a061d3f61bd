"""The provider's side of services: register, change, test by a real call, offer, pause, retire; each step as a plan first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange.errors import changed_meanwhile, no_service, not_ready
from beijiang.exchange.models import (
    SERVICE_MOVES,
    Problem,
    Service,
    ServiceMove,
    ServicePlan,
    ServiceProof,
    ServiceState,
    ServiceVersion,
    VersionState,
)
from beijiang.exchange.models.calling import bound
from beijiang.exchange.service.attaching import Attaching
from beijiang.exchange.service.base import said
from beijiang.exchange.service.breaking import Breakers, Room
from beijiang.exchange.service.reaching import Reach, check_place, place_of
from beijiang.exchange.store import GrantStore, RequestStore, ServiceStore
from beijiang.ingest import AlertKind
from beijiang.kit import BeijiangError, Conflict, Invalid, NotFound, Text, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.catalog import Entry
    from beijiang.crypto import Vault
    from beijiang.db import UnitOfWork
    from beijiang.exchange.models import Grant, ServiceDraft, ServiceSpec
    from beijiang.exchange.models.calling import Scalar
    from beijiang.exchange.service.base import SharingParts
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.outbound import Outbound

__all__ = ["Offering"]

_SEALED_FOR: Final = "exchange-service"
_CLASS: Final = "7"
"""Formats of this class are service interfaces (`standards.md` 2.2)."""
_SECRET: Final = 8192


class Offering(Attaching):
    """What a department does with the services that it runs."""

    def __init__(self, parts: SharingParts, vault: Vault, outbound: Outbound) -> None:
        super().__init__(parts)
        self._vault = vault
        self._reach = Reach(outbound, parts.zone)
        self._room = Room()
        self.breakers = Breakers(parts.db, parts.alerts, parts.clock)

    def register(self, actor: Actor, draft: ServiceDraft, secret: str = "") -> Service:
        """Register a service behind an entry; its secret is sealed before anything is stored.

        Raises:
            NotFound: no such entry.
            Invalid: the entry is no interface, the fields are none of its items, or the address cannot be one.
            Conflict: the entry has a service.

        """
        resource = self.parts.catalog.get(actor, draft.resource_id)
        self.access.require(actor, Permission.EXCHANGE_SERVICE_MANAGE, resource.provider_id)
        if resource.table is not None or not self._is_interface(resource.entry):
            raise Invalid(
                "服务接口要挂在没有数据表、共享方式为“服务接口”（或格式为服务接口类）的目录条目上。",
                "A service stands behind an entry without a table whose sharing method is service, or whose format is one of a service interface.",
                code="not_an_interface",
            )
        self._check(resource.entry, draft.spec)
        now = self.clock.now()
        made = Service(
            id=new_id("svc"),
            name=draft.name.strip(),
            purpose=draft.purpose.strip(),
            resource_id=resource.id,
            resource_name=resource.entry.name,
            provider_id=resource.provider_id,
            state=ServiceState.DRAFT,
            live=None,
            newest=1,
            by=actor.id,
            by_name=actor.name,
            created_at=now,
            changed_at=now,
        )
        version = self._version(actor, made, 1, draft.spec, self._sealed(made.id, draft.spec, secret))
        with self.db.begin() as tx:
            store = ServiceStore(tx.connection)
            if store.of_resource(resource.id) is not None:
                raise Conflict(
                    "这个目录条目已登记服务接口。请修改它，或先下线。",
                    "The entry has a service. Change that one, or retire it first.",
                    code="service_exists",
                )
            store.add(made)
            store.put_version(version)
            self._note(tx, actor, made, ServiceMove.REGISTER, "", _facts(draft.spec))
        return made

    def change(self, actor: Actor, service_id: str, draft: ServiceDraft, secret: str | None = None) -> Service:
        """Declare a service anew; what is offered goes on by its version until the new one is tested and offered.

        A secret that is not given stays as it is, unless the service moves to another address (``secrets_needed``).

        Raises:
            NotFound: no such service of the actor's.
            Invalid: it does not fit the entry, or the secret has to be given anew.
            Conflict: it is retired, or somebody was faster.

        """
        before = self._own(actor, service_id)
        self._possible(before, ServiceMove.CHANGE)
        if draft.resource_id != before.resource_id:
            raise Invalid(
                "服务接口不能换到另一个目录条目，请另行登记。",
                "A service cannot move to another entry; register another one.",
                code="other_resource",
            )
        self._check(self.parts.catalog.get(actor, before.resource_id).entry, draft.spec)
        now = self._stored(before, before.newest)
        sealed = self._changed_secret(before, now, draft.spec, secret)
        number = now.number + 1 if now.state is VersionState.LIVE else now.number
        state = ServiceState.DRAFT if before.live is None else before.state
        after = replace(
            before, name=draft.name.strip(), purpose=draft.purpose.strip(), newest=number, state=state, reason=""
        )
        with self.db.begin() as tx:
            done = self._put(tx, actor, after, ServiceMove.CHANGE, "", _facts(draft.spec))
            ServiceStore(tx.connection).put_version(self._version(actor, before, number, draft.spec, sealed))
        return done

    def test(self, actor: Actor, service_id: str, given: Mapping[str, Scalar] | None = None) -> ServiceProof:
        """Call the newest version with the sample, or with other values, and hold the answer against what is declared.

        No value of the answer is shown or kept: which fields are filled, and which do not fit.

        Raises:
            NotFound: no such service of the actor's.
            Invalid: a parameter does not fit.
            Throttled: the place was tested too often, or too many tests of it wait (``test_rate``, ``service_busy``).

        """
        before = self._own(actor, service_id)
        self._possible(before, ServiceMove.TEST)
        version = self._stored(before, before.newest)
        asked = bound(version.spec, version.spec.sample if given is None else given)
        place = place_of(version.spec)
        with self._room.tested(place, before.provider_id):
            self.breakers.take_test(place)
            came = self._reach.call(version.spec, self._opened(version), asked, before.provider_id)
        fit = came.fit
        ok = came.outcome in {"ok", "partly"} and fit.records > 0 and not fit.unfit and not fit.more
        problems = list(fit.told)
        if came.error is not None:
            problems.insert(0, f"{came.reason}: {came.error.text.zh} {came.error.text.en}")
        elif came.reason and came.reason != "service_contract":
            problems.insert(0, came.reason)
        if came.outcome == "ok" and not fit.records:
            problems.append("no_records")
        if fit.more:
            problems.append(f"more_than_{version.spec.max_rows}_records")
        proof = ServiceProof(
            ok=ok,
            millis=came.millis,
            records=fit.records,
            unfit=fit.unfit,
            problems=tuple(problems),
            filled={name: fit.filled.get(name, 0) for name in version.spec.columns},
            version=version.number,
        )
        self._tested(actor, before, version, proof, came.reason)
        return proof

    def plan(self, actor: Actor, service_id: str, move: ServiceMove) -> ServicePlan:
        """Return what a step would do; nothing is changed.

        Raises:
            NotFound: no such service of the actor's.

        """
        service = self._own(actor, service_id)
        version = self._stored(service, service.newest)
        live = None if service.live is None else self._stored(service, service.live)
        grants = self._grants(service)
        problems = [] if service.state in SERVICE_MOVES[move] else [_not_from(service, move)]
        if move is ServiceMove.OFFER:
            problems += self._offer_problems(actor, service, version)
        lost: set[str] = set()
        if move is ServiceMove.OFFER and live is not None:
            gone = set(live.spec.columns) - set(version.spec.columns)
            lost = {column for grant in grants for column in grant.terms.columns} & gone
        replaced = live if move is ServiceMove.OFFER else None
        return ServicePlan(
            move=move,
            possible=not problems,
            problems=tuple(problems),
            from_version=service.live,
            to_version=version.number if move is ServiceMove.OFFER else service.live,
            grants=len(grants),
            orgs=tuple(sorted({grant.org_id for grant in grants})),
            lost=tuple(sorted(lost)),
            parameters=() if replaced is None else _changed_parameters(replaced.spec, version.spec),
            address_moves=replaced is not None and replaced.spec.base_url != version.spec.base_url,
        )

    def offer(self, actor: Actor, service_id: str) -> Service:
        """Offer the newest version, which was tested; consumers are told of what changes for them.

        Raises:
            NotFound: no such service of the actor's.
            Invalid: something stands against it (``request_incomplete``).
            Conflict: the state does not allow it.

        """
        before = self._own(actor, service_id)
        self._possible(before, ServiceMove.OFFER)
        plan = self.plan(actor, service_id, ServiceMove.OFFER)
        if plan.problems:
            raise not_ready(plan.problems)
        version = self._stored(before, before.newest)
        now = self.clock.now()
        after = replace(before, state=ServiceState.OFFERED, live=version.number, reason="")
        with self.db.begin() as tx:
            store = ServiceStore(tx.connection)
            if before.live is not None and before.live != version.number:
                store.put_version(replace(self._stored(before, before.live), state=VersionState.PAST))
            store.put_version(replace(version, state=VersionState.LIVE, offered_at=now))
            detail: dict[str, JsonValue] = {"lost": [*plan.lost], "parameters": [*plan.parameters]}
            done = self._put(tx, actor, after, ServiceMove.OFFER, "", {"version": version.number, **detail})
        self.breakers.close(done)
        if plan.lost or plan.parameters:
            zh, en = "、".join((*plan.lost, *plan.parameters)), ", ".join((*plan.lost, *plan.parameters))
            words = Text(
                f"服务接口“{done.name}”换为第 {version.number} 版，请核对：{zh}。",
                f"The service {done.name} goes by version {version.number} now; look at: {en}.",
            )
            self._tell(done, plan.orgs, words, version.number)
        return done

    def pause(self, actor: Actor, service_id: str, words: str) -> Service:
        """Stop calls for the time being; consumers read why.

        Raises:
            NotFound: no such service of the actor's. Conflict: it is not offered. Invalid: no reason.

        """
        return self._turn(actor, service_id, ServiceMove.PAUSE, ServiceState.PAUSED, said(words, needed=True))

    def resume(self, actor: Actor, service_id: str, words: str = "") -> Service:
        """Let calls go on.

        Raises:
            NotFound: no such service of the actor's. Conflict: it is not paused.

        """
        return self._turn(actor, service_id, ServiceMove.RESUME, ServiceState.OFFERED, said(words, needed=False))

    def retire(self, actor: Actor, service_id: str, words: str) -> Service:
        """End a service for good; its secrets are forgotten, its grants open nothing any more.

        Raises:
            NotFound: no such service of the actor's. Conflict: it was retired before. Invalid: no reason.

        """
        done = self._turn(actor, service_id, ServiceMove.RETIRE, ServiceState.RETIRED, said(words, needed=True))
        for kind in (AlertKind.SERVICE_DOWN, AlertKind.SERVICE_CONTRACT):
            self.parts.alerts.clear(kind, done.id)
        return done

    def renew(self, tx: UnitOfWork) -> int:
        """Wrap every secret under the newest root key, when a new one was made; return how many."""
        store = ServiceStore(tx.connection)
        held = [version for one in store.every() for version in store.versions(one.id) if version.secret]
        for version in held:
            sealed = self._vault.rewrap(version.secret, purpose=_SEALED_FOR, context=version.service_id)
            store.put_version(replace(version, secret=sealed))
        return len(held)

    def locked_out(self) -> list[str]:
        """Return the names of services whose secret does not open; asked by the examination of the installation."""
        lost = []
        with self.db.read() as connection:
            store = ServiceStore(connection)
            found = [(one, store.version(one.id, one.newest)) for one in store.every()]
        for service, version in found:
            try:
                if version is not None:
                    self._opened(version)
            except BeijiangError:
                lost.append(service.name)
        return lost

    # Below the verbs

    def _turn(self, actor: Actor, service_id: str, move: ServiceMove, state: ServiceState, words: str) -> Service:
        before = self._own(actor, service_id)
        self._possible(before, move)
        orgs = tuple(sorted({grant.org_id for grant in self._grants(before)}))
        with self.db.begin() as tx:
            done = self._put(tx, actor, replace(before, state=state, reason=words), move, words, {})
            if state is ServiceState.RETIRED:
                store = ServiceStore(tx.connection)
                for version in store.versions(before.id):
                    store.put_version(replace(version, secret="", state=VersionState.PAST))
        told = Text(
            f"服务接口“{done.name}”{state.text.zh}{'：' + words if words else ''}。",
            f"The service {done.name} is {state.text.en} now{': ' + words if words else ''}.",
        )
        self._tell(done, orgs, told, done.revision)
        return done

    def _tested(self, actor: Actor, before: Service, version: ServiceVersion, proof: ServiceProof, reason: str) -> None:
        """Write down what a test came to; one that went well makes a draft ready to be offered."""
        ready = proof.ok and version.state is VersionState.DRAFT
        state = ServiceState.TESTED if ready and before.live is None else before.state
        detail: dict[str, JsonValue] = {
            "version": version.number,
            "ok": proof.ok,
            "records": proof.records,
            "unfit": proof.unfit,
            "reason": reason,
        }
        with self.db.begin() as tx:
            if ready:
                tested = replace(version, state=VersionState.TESTED, tested_at=self.clock.now())
                ServiceStore(tx.connection).put_version(tested)
            failed = [reason, *(one for one in proof.problems if not one.startswith(f"{reason}:"))]
            words = "" if proof.ok else "；".join(dict.fromkeys(one for one in failed if one))[:500]
            self._put(tx, actor, replace(before, state=state), ServiceMove.TEST, words, detail)

    def _own(self, actor: Actor, service_id: str) -> Service:
        """Return a service that the actor may manage; unknown and hidden look the same."""
        with self.db.read() as connection:
            found = ServiceStore(connection).get(service_id)
        if found is None or not self.access.allows(actor, Permission.EXCHANGE_SERVICE_MANAGE, found.provider_id):
            self.access.require(actor, Permission.EXCHANGE_SERVICE_READ)
            raise no_service()
        return found

    def _stored(self, service: Service, number: int) -> ServiceVersion:
        with self.db.read() as connection:
            found = ServiceStore(connection).version(service.id, number)
        if found is None:
            raise no_service()
        return found

    def _possible(self, service: Service, move: ServiceMove) -> None:
        if service.state not in SERVICE_MOVES[move]:
            wrong = _not_from(service, move)
            raise Conflict(wrong.text.zh, wrong.text.en, code="service_state", detail={"state": service.state.value})

    def _is_interface(self, entry: Entry) -> bool:
        if entry.share_method is not None and entry.share_method.value == "service":
            return True
        return any(self.parts.standards.format(one).class_code == _CLASS for one in entry.formats)

    def _check(self, entry: Entry, spec: ServiceSpec) -> None:
        check_place(spec)
        strange = [column for column in spec.columns if entry.item(column) is None]
        if strange:
            names = "、".join(strange[:20])
            raise Invalid(
                f"应答字段不是目录条目的数据项：{names}。请先在目录中补充数据项。",
                f"These fields are no items of the entry: {', '.join(strange[:20])}. Add them to the entry first.",
                code="unknown_item",
                detail={"columns": [*strange[:20]]},
            )
        bound(spec, spec.sample)

    def _offer_problems(self, actor: Actor, service: Service, version: ServiceVersion) -> list[Problem]:
        found = []
        if version.state is VersionState.DRAFT:
            text = Text("最新版本还没有通过测试调用", "the newest version has not passed a test call")
            found.append(Problem("not_tested", text))
        if version.state is VersionState.LIVE and service.state is ServiceState.OFFERED:
            found.append(Problem("nothing_new", Text("现行版本已在提供", "this version is offered already")))
        try:
            known = self.parts.catalog.published(actor, service.resource_id)
        except NotFound:
            return [*found, Problem("not_published", Text("目录条目尚未发布", "the entry is not published"))]
        text = Text("已发布的目录条目没有这个数据项", "the published entry has no such item")
        items = known.version.entry
        return [*found, *(Problem("unknown_item", text, c) for c in version.spec.columns if items.item(c) is None)]

    def _grants(self, service: Service) -> list[Grant]:
        with self.db.read() as connection:
            return GrantStore(connection).active(service.table)

    def _version(self, actor: Actor, service: Service, number: int, spec: ServiceSpec, sealed: str) -> ServiceVersion:
        return ServiceVersion(
            service_id=service.id,
            number=number,
            state=VersionState.DRAFT,
            spec=spec,
            secret=sealed,
            by_name=actor.name,
            at=self.clock.now(),
        )

    def _sealed(self, service_id: str, spec: ServiceSpec, secret: str) -> str:
        if spec.signs and not secret.strip():
            raise Invalid(
                "此身份验证方式需要密钥或口令。", "This way of authentication needs a secret.", code="secrets_needed"
            )
        if len(secret) > _SECRET:
            raise Invalid("密钥过长。", "The secret is too long.", code="bad_secret")
        if not spec.signs:
            return ""
        return self._vault.seal(secret, purpose=_SEALED_FOR, context=service_id)

    def _changed_secret(self, service: Service, now: ServiceVersion, spec: ServiceSpec, secret: str | None) -> str:
        if secret is not None and secret != "":
            return self._sealed(service.id, spec, secret)
        old = now.spec
        places = {(one.base_url, one.key_url, one.auth, one.user, one.key_in, one.key_name) for one in (old, spec)}
        if spec.signs and (len(places) > 1 or old.authority != spec.authority or not now.secret):
            raise Invalid(
                "地址或身份验证方式变了，请重新填写密钥；原密钥不会送往新的地址。",
                "Address or authentication changed: give the secret anew; the old one is not sent elsewhere.",
                code="secrets_needed",
            )
        return now.secret if spec.signs else ""

    def _opened(self, version: ServiceVersion) -> str:
        if not version.secret:
            return ""
        return self._vault.open(version.secret, purpose=_SEALED_FOR, context=version.service_id)

    def _put(
        self,
        tx: UnitOfWork,
        actor: Actor,
        after: Service,
        move: ServiceMove,
        words: str,
        detail: Mapping[str, JsonValue],
    ) -> Service:
        changed = replace(after, revision=after.revision + 1, changed_at=self.clock.now())
        if not ServiceStore(tx.connection).save(changed):
            raise changed_meanwhile()
        self._note(tx, actor, changed, move, words, detail)
        return changed

    def _note(
        self,
        tx: UnitOfWork,
        actor: Actor,
        service: Service,
        move: ServiceMove,
        words: str,
        detail: Mapping[str, JsonValue],
    ) -> None:
        RequestStore(tx.connection).add_step(self._step(actor, service.id, move, words))
        facts: dict[str, JsonValue] = {
            "state": service.state.value,
            "resource": service.resource_id,
            "provider": service.provider_id,
            "words": words,
            **detail,
        }
        self.parts.evidence.record(tx, actor, f"exchange.{move.value}", target=service.id, detail=facts)

    def _tell(self, service: Service, orgs: tuple[str, ...], words: Text, number: int) -> None:
        for org in orgs:
            self.parts.alerts.say(AlertKind.SERVICE_CHANGED, f"{service.id}:{number}:{org}", org, words)


def _facts(spec: ServiceSpec) -> dict[str, JsonValue]:
    """Return what the evidence keeps of a declaration: where it leads, what it answers; no secret, no sample."""
    return {
        "address": spec.base_url,
        "path": spec.path,
        "method": spec.method,
        "auth": spec.auth.value,
        "parameters": [one.name for one in spec.parameters],
        "fields": [*spec.columns],
    }


def _changed_parameters(old: ServiceSpec, new: ServiceSpec) -> tuple[str, ...]:
    before = {one.name: one for one in old.parameters}
    after = {one.name: one for one in new.parameters}
    gone = {name for name in before if name not in after}
    changed = {
        name
        for name, one in after.items()
        if (name not in before and one.required)
        or (name in before and ((one.required and not before[name].required) or one.type is not before[name].type))
    }
    return tuple(sorted(gone | changed))


def _not_from(service: Service, move: ServiceMove) -> Problem:
    text = Text(
        f"服务接口现为“{service.state.text.zh}”，不能{move.text.zh}",
        f"the service is {service.state.text.en} and cannot be {move.text.en} now",
    )
    return Problem("service_state", text)
