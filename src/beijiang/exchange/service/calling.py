"""Services as consumers have them: found, called under a grant, watched; the department's address is never told."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.exchange.errors import no_service, other_purpose
from beijiang.exchange.models import (
    BUCKETS,
    CallOutcome,
    CallRow,
    ServiceAnswer,
    ServiceQuery,
    ServiceState,
    ServiceStats,
    ServiceView,
    levels_of,
)
from beijiang.exchange.models.calling import bound
from beijiang.exchange.service.attaching import served
from beijiang.exchange.service.probing import Probing
from beijiang.exchange.store import RequestStore, ServiceStore
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Invalid, NotFound, Refused, Throttled, Unavailable
from beijiang.protection import files, salted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from beijiang.exchange.models import Service, ServiceVersion
    from beijiang.exchange.models.calling import Bound, Scalar
    from beijiang.exchange.service.reaching import Came
    from beijiang.kit import Actor, Part, Wanted
    from beijiang.kit.errors import JsonValue
    from beijiang.protection import GovernedAnswer, Served

__all__ = ["Services"]

DAYS: Final = 30
"""Days whose calls are summed up on the page of a service."""
PROBES: Final = 50
_ALIKE: Final = frozenset({CallOutcome.BREACH, CallOutcome.DECLINED, CallOutcome.PARTLY})
"""What may come of a record outside the rows of a grant; under a row condition it looks as if there were none."""


class Services(Probing):
    """Services of departments behind the gate (服务接口)."""

    def services(self, actor: Actor, query: ServiceQuery | None = None) -> tuple[Sequence[Service], int]:
        """Return the services that are offered, and those of the actor's departments in every state."""
        self.access.require(actor, Permission.EXCHANGE_SERVICE_READ)
        with self.db.read() as connection:
            store = ServiceStore(connection)
            return store.find(query or ServiceQuery(), self._read_by(actor, store))

    def service_part(self, actor: Actor, wanted: Wanted) -> Part[Service]:
        """Return a part of the services that ``services`` lists, narrowed, counted and sorted."""
        self.access.require(actor, Permission.EXCHANGE_SERVICE_READ)
        with self.db.read() as connection:
            store = ServiceStore(connection)
            return store.part(wanted, self._read_by(actor, store), self.clock.now())

    def _read_by(self, actor: Actor, store: ServiceStore) -> list[str]:
        return [o for o in store.organisations() if self.access.allows(actor, Permission.EXCHANGE_SERVICE_READ, o)]

    def behind(self, actor: Actor, resource_id: str) -> Service | None:
        """Return the service behind an entry, as far as the actor may know of it."""
        self.access.require(actor, Permission.EXCHANGE_SERVICE_READ)
        with self.db.read() as connection:
            found = ServiceStore(connection).of_resource(resource_id)
        try:
            return None if found is None else self._visible(actor, found.id)
        except NotFound:
            return None

    def states(self, actor: Actor) -> Mapping[str, str]:
        """Return the state of every breaker that is not closed, by service."""
        self.access.require(actor, Permission.EXCHANGE_SERVICE_READ)
        with self.db.read() as connection:
            found = ServiceStore(connection).breakers()
        return {name: one.state.value for name, one in found.items() if one.state != "closed"}

    def view(self, actor: Actor, service_id: str) -> ServiceView:
        """Return one service: what it takes and answers, and for its provider and the authority how it does.

        Raises:
            NotFound: no such service, or not this actor's to see.

        """
        service = self._visible(actor, service_id)
        manages = self.access.allows(actor, Permission.EXCHANGE_SERVICE_MANAGE, service.provider_id)
        inside = self.access.allows(actor, Permission.EXCHANGE_SERVICE_READ, service.provider_id)
        number = service.newest if service.live is None else service.live
        version = self._stored(service, number)
        since = self.today - timedelta(days=DAYS - 1)
        with self.db.read() as connection:
            store = ServiceStore(connection)
            versions = tuple(store.versions(service.id)) if inside else ()
            steps = tuple(RequestStore(connection).steps(service.id)) if inside else ()
            breaker = store.breaker(service.id)
            rows = store.calls(service.id, since, self.today)
            probes = tuple(store.probes(service.id, PROBES))
        if not inside:
            rows = [row for row in rows if row.org_id == _whose(actor)]
        held = self.parts.answers.held(actor, served(service, version)) if service.live is not None else []
        return ServiceView(
            service=service,
            version=version,
            versions=versions,
            steps=steps,
            breaker=breaker,
            stats=ServiceStats.of(rows),
            days=_by(rows, "day"),
            consumers=_by(rows, "org_id") if inside else (),
            probes=probes if inside else (),
            may_manage=manages,
            grants=tuple(one.id for one in held),
        )

    def sketch(
        self, actor: Actor, service_id: str, given: Mapping[str, Scalar]
    ) -> tuple[ServiceView, Mapping[str, str]]:
        """Hold the parameters of a call against what is declared; return the service, and the values that stand for fields.

        Nobody is asked, no grant is used.

        Raises:
            NotFound: no such service, or not this actor's to see.
            Invalid: a parameter does not fit.

        """
        view = self.view(actor, service_id)
        return view, bound(view.version.spec, given).items

    def call(
        self, actor: Actor, service_id: str, given: Mapping[str, Scalar], purpose: str = "", grant: str = ""
    ) -> ServiceAnswer:
        """Ask a service under a grant, and return what the grant gives of its answer.

        The grant is found before any parameter is looked at; the receipt is durable before the service is asked; and the
        grant has to hold as before when the answer has come.

        Raises:
            NotFound: no such service, or no grant of the actor's opens it.
            Denied: no grant of the actor's is for the purpose stated, or it ended meanwhile.
            Invalid: a parameter does not fit, or the service declines what was asked (``service_declined``).
            Refused: a value is outside the rows of the grant, or the answer does not fit what was declared.
            Conflict: the service is paused.
            Throttled: too often in a minute, or the grant is used up for today.
            Unavailable: the service does not answer, or is not asked because it did not.

        """
        self.access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)
        service, version, behind = self._callable(service_id)
        held = {one.purpose for one in self.parts.answers.held(actor, behind)}
        if purpose and held and purpose not in held:
            error = other_purpose(purpose, sorted(held))
            self.parts.answers.note_refusal(actor, behind, purpose, {"reason": error.reason})
            raise error
        governed = self.parts.answers.decide(actor, behind, purpose, grant)
        if service.state is ServiceState.PAUSED:
            governed.refused("service_paused")
            raise Conflict(
                f"服务接口已暂停：{service.reason}", f"The service is paused: {service.reason}", code="service_paused"
            )
        asked = bound(version.spec, given)
        governed.admit_values(asked.items)
        with ExitStack() as place:
            self._let_through(actor, service, version, governed, place)
            try:
                came = self._reach.call(version.spec, self._opened(version), asked, service.provider_id)
            except BaseException:
                governed.nothing()
                self.breakers.give_back(service, version.spec)
                raise
        return self._handed_over(actor, service, version, governed, asked, came)

    def probed(self, since: date, until: date) -> Sequence[tuple[Service, int, int]]:
        """Return of each service how many probes of some days were well, and how many there were; for assessment."""
        zone = self.parts.zone
        begin = datetime.combine(since, time.min, zone)
        end = datetime.combine(until + timedelta(days=1), time.min, zone)
        with self.db.read() as connection:
            store = ServiceStore(connection)
            found = store.probed(begin, end)
            known = [store.get(one) for one in sorted(found)]
        return [(one, *found[one.id]) for one in known if one is not None]

    def answered(self, since: date, until: date) -> Sequence[tuple[Service, int]]:
        """Return of each service how many calls of others were answered in some days; for assessment."""
        with self.db.read() as connection:
            store = ServiceStore(connection)
            found = store.answered(since, until)
            known = [store.get(one) for one in sorted({service for service, _ in found})]
        own = {(one.id, one.provider_id) for one in known if one is not None}
        counts: Counter[str] = Counter()
        for key, calls in found.items():
            counts[key[0]] += 0 if key in own else calls
        return [(one, counts[one.id]) for one in known if one is not None and counts[one.id]]

    # Below the verbs

    def _visible(self, actor: Actor, service_id: str) -> Service:
        """Return a service that the actor may know of: one that is offered, or of the own department."""
        self.access.require(actor, Permission.EXCHANGE_SERVICE_READ)
        with self.db.read() as connection:
            found = ServiceStore(connection).get(service_id)
        if found is None:
            raise no_service()
        shown = found.state in {ServiceState.OFFERED, ServiceState.PAUSED}
        if not shown and not self.access.allows(actor, Permission.EXCHANGE_SERVICE_READ, found.provider_id):
            raise no_service()
        return found

    def _callable(self, service_id: str) -> tuple[Service, ServiceVersion, Served]:
        """Return a service that can be called at all, with the grades of its entry as they are now."""
        with self.db.read() as connection:
            found = ServiceStore(connection).get(service_id)
        if found is None or found.live is None or found.state not in {ServiceState.OFFERED, ServiceState.PAUSED}:
            raise no_service()
        try:
            known = self.parts.catalog.published(SYSTEM, found.resource_id)
        except NotFound:
            raise no_service() from None  # its entry was withdrawn
        version = self._stored(found, found.live)
        return found, version, served(found, version, levels_of(known))

    def _let_through(
        self, actor: Actor, service: Service, version: ServiceVersion, governed: GovernedAnswer, place: ExitStack
    ) -> None:
        """Ask room, rates, breaker and quota, in this order; a call that is not made costs nothing of the quota."""
        who = _whose(actor)
        try:
            place.enter_context(self._room.taken(service.id, service.provider_id))
            self.breakers.take(service, version.spec, who)
            self.breakers.admit(service, version.spec)
        except (Throttled, Unavailable) as error:
            governed.refused(error.reason)
            outcome = CallOutcome.LIMITED if isinstance(error, Throttled) else CallOutcome.HELD_BACK
            self._count(service, who, outcome, 0, 0)
            raise
        detail: dict[str, JsonValue] = {"service": service.id, "version": version.number}
        try:
            governed.open(detail)
        except BaseException:
            self.breakers.give_back(service, version.spec)
            raise

    def _handed_over(
        self,
        actor: Actor,
        service: Service,
        version: ServiceVersion,
        governed: GovernedAnswer,
        asked: Bound,
        came: Came,
    ) -> ServiceAnswer:
        self.breakers.settle(service, version.spec, came)
        self._watch_contract(service, came)
        outcome, rows, found = came.outcome, 0, came.fit.rows
        if governed.filtered and outcome in _ALIKE:
            outcome = CallOutcome.OK  # whether there is a record outside the rows of the grant is not told
        try:
            if outcome not in {CallOutcome.OK, CallOutcome.PARTLY}:
                governed.nothing()
                raise _told(came)
            try:
                table = governed.hand_over(found)
            except BeijiangError:
                outcome = CallOutcome.REFUSED
                governed.nothing()
                raise
            rows = table.num_rows
        finally:
            self._count(service, _whose(actor), outcome, came.millis, rows)
        shown = files.records(table, self.parts.zone.key)
        request: dict[str, Any] = {"service": service.id, "version": version.number, "parameters": asked.values}
        proof = salted(request, shown)
        governed.sent(proof.digests, proof.size)
        return ServiceAnswer(
            service_id=service.id,
            version=version.number,
            columns=governed.columns,
            rows=shown,
            left_out=None if governed.filtered else came.fit.unfit,
            more=None if governed.filtered else came.fit.more,
            receipt=governed.receipt,
            grant_id=governed.grant.id,
            salt=proof.salt,
            millis=came.millis,
            request_sm3=proof.request_sm3,
            response_sm3=proof.response_sm3,
        )

    def _count(self, service: Service, who: str, outcome: CallOutcome, millis: int, rows: int) -> None:
        bucket = next((end for end in BUCKETS if millis <= end), BUCKETS[-1])
        row = CallRow(self.today, who, outcome, bucket, 1, rows, millis, millis)
        with self.db.begin() as tx:
            ServiceStore(tx.connection).count(service.id, row)


def _whose(actor: Actor) -> str:
    """Return whose calls are counted: the department's, or the person's who is of none."""
    return (actor.org_id or actor.id)[:60]


def _by(rows: Sequence[CallRow], name: str) -> tuple[tuple[Any, ServiceStats], ...]:
    found: dict[Any, list[CallRow]] = {}
    for row in rows:
        found.setdefault(getattr(row, name), []).append(row)
    return tuple((key, ServiceStats.of(each)) for key, each in found.items())


def _told(came: Came) -> BeijiangError:
    """Return what a consumer is told: never an address, a status text or a value."""
    if came.outcome is CallOutcome.DECLINED:
        return Invalid(
            "提供部门的服务没有受理这组参数。请核对参数；仍不行请联系提供部门。",
            "The department's service declined these parameters. Check them, or ask the department.",
            code="service_declined",
            detail={"reason": came.reason},
        )
    if came.outcome is CallOutcome.BREACH:
        return Refused(
            "提供部门的应答与登记的字段不符，未交付，已通知提供部门。",
            "The department's answer does not fit its declared fields; it was not handed over, and the department is told.",
            code="service_contract",
            detail={"reason": came.reason},
        )
    slow = came.outcome is CallOutcome.TIMEOUT
    return Unavailable(
        "提供部门的服务超时，请稍后再试。" if slow else "提供部门的服务没有正常应答，请稍后再试。",
        "The department's service took too long; try again later."
        if slow
        else "The department's service did not answer as it should; try again later.",
        code="service_timeout" if slow else "service_failed",
    )
