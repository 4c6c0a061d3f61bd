"""What persons decide: a pair is the same or not, subjects are put together, records are taken out; all can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.fusion.errors import no_pair, no_subject, reason_needed
from beijiang.fusion.models import Decision, Library, PairState, Verdict, trees
from beijiang.fusion.service.placing import Placing
from beijiang.fusion.store import DecisionStore, LibraryStore
from beijiang.kit import Conflict, Invalid, new_id

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Deciding"]

SHOWN: Final = 200
AT_ONCE: Final = 200
"""Records of one subject that a person may take apart."""


class Deciding(Placing):
    """Decisions about records; each holds in all later runs until it is revoked."""

    def decisions(self, actor: Actor, library_id: str) -> Sequence[Decision]:
        """Return decisions of a library, newest first, revoked ones too."""
        library = self._seen(actor, library_id)
        with self.db.read() as connection:
            return DecisionStore(connection).decisions(library.id, holding=False, limit=SHOWN)

    def unapplied(self, actor: Actor, library_id: str) -> int:
        """Return how many decisions were made or revoked since the newest run."""
        library = self._seen(actor, library_id)
        with self.db.read() as connection:
            last = LibraryStore(connection).last_written(library.id)
            return DecisionStore(connection).count_since(library.id, None if last is None else last.at)

    def decide(self, actor: Actor, pair_id: str, verdict: Verdict, reason: str, *, seen: str | None = None) -> Decision:
        """Decide about a pair that waits; it takes effect with the next run; ``seen`` is the token of what was compared.

        Raises:
            NotFound: no such pair.
            Invalid: no reason.
            Conflict: it does not wait any more, or a run changed one side (``changed_since_seen``).

        """
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        with self.db.read() as connection:
            pair = DecisionStore(connection).pair(pair_id)
        if pair is None:
            raise no_pair()
        library = self._seen(actor, pair.library_id, Permission.FUSION_PAIR_DECIDE)
        if pair.state is not PairState.WAITING:
            raise Conflict("这一对已经处理过了。", "This pair waits no more.", code="pair_settled")
        if seen is not None:
            self.compare(actor, pair_id).shown.check(seen)
        made = self._decision(actor, library, pair.left, pair.right, verdict, reason)
        self._put_decisions(actor, library, [made], "decide")
        return made

    def merge(
        self, actor: Actor, library_id: str, subjects: Sequence[str], reason: str, *, seen: str | None = None
    ) -> Sequence[Decision]:
        """Put subjects together; the one with the most records keeps its name.

        ``seen`` is the token of the subjects as they were shown side by side.

        Raises:
            Invalid: fewer than two, more than can be looked at side by side, or no reason.
            NotFound: one of them is not there.
            Conflict: one of them has other values or records since (``changed_since_seen``).

        """
        library = self._seen(actor, library_id, Permission.FUSION_PAIR_DECIDE)
        found = self.together(actor, library.id, subjects)
        found.shown.check(seen)
        firsts = [self._known(actor, library, one.id)[0] for one in found.subjects]
        made = [self._decision(actor, library, a, b, Verdict.SAME, reason) for a, b in pairwise(firsts)]
        self._put_decisions(actor, library, made, "merge")
        return made

    def take_out(
        self,
        actor: Actor,
        library_id: str,
        subject: str,
        records: Sequence[str],
        reason: str,
        *,
        seen: str | None = None,
    ) -> Sequence[Decision]:
        """Take records out of a subject; together they are another one from the next run on.

        ``seen`` is the token of the subject as it was shown.

        Raises:
            Invalid: none of its records, all of them, or no reason.
            NotFound: the subject is not there.
            Conflict: it has other values or records since (``changed_since_seen``).

        """
        library = self._seen(actor, library_id, Permission.FUSION_PAIR_DECIDE)
        if seen is not None:
            self._subject(actor, library, subject).shown.check(seen)
        known = self._known(actor, library, subject)
        out = [name for name in known if name in set(records)]
        rest = [name for name in known if name not in set(records)]
        if not out or not rest or len(known) > AT_ONCE:
            raise Invalid(
                f"请选择要移出的部分记录（不能为空，也不能是全部；主体记录数不超过 {AT_ONCE}）。",
                f"Choose some of its records, not all of them (of at most {AT_ONCE}).",
                code="records_to_take_out",
            )
        made = [
            self._decision(actor, library, one, other, Verdict.DIFFERENT, reason, taken_out=True)
            for one in out
            for other in rest
        ]
        made += [self._decision(actor, library, a, b, Verdict.SAME, reason) for a, b in pairwise(out)]
        self._put_decisions(actor, library, made, "take_out")
        return made

    def revoke(self, actor: Actor, decision_id: str, reason: str) -> None:
        """Let a decision hold no longer; with it go those that were made with it.

        Raises:
            NotFound: no such decision.
            Invalid: no reason.
            Conflict: it was revoked already.

        """
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        with self.db.read() as connection:
            store = DecisionStore(connection)
            found = store.decision(decision_id)
            others = [] if found is None else store.decisions(found.library_id, holding=True)
        if found is None:
            raise no_pair()
        library = self._seen(actor, found.library_id, Permission.FUSION_PAIR_DECIDE)
        if not reason.strip():
            raise reason_needed()
        if found.revoked_at is not None:
            raise Conflict("这个决定已经撤销。", "This decision was revoked already.", code="decision_revoked")
        together = [one for one in others if (one.at, one.by) == (found.at, found.by)]
        with self.db.begin() as tx:
            store = DecisionStore(tx.connection)
            store.revoke([one.id for one in together], actor.id, self.clock.now(), reason.strip()[:1000])
            for one in together:
                store.settle(library.id, one.left, one.right, PairState.WAITING)
            detail: dict[str, JsonValue] = {
                "library": library.id,
                "org": library.org_id,
                "decisions": len(together),
                "reason": reason.strip(),
            }
            self.evidence.record(tx, actor, "fusion.decision_revoke", target=decision_id, detail=detail)

    def _known(self, actor: Actor, library: Library, subject: str) -> list[str]:
        found = [str(row[trees.RECORD]) for row in self._records_of(actor, library, subject)]
        if not found:
            raise no_subject(subject)
        return found

    def _decision(
        self,
        actor: Actor,
        library: Library,
        left: str,
        right: str,
        verdict: Verdict,
        reason: str,
        *,
        taken_out: bool = False,
    ) -> Decision:
        if not reason.strip():
            raise reason_needed()
        return Decision(
            id=new_id("dec"),
            library_id=library.id,
            left=left,
            right=right,
            verdict=verdict,
            taken_out=taken_out,
            reason=reason.strip()[:1000],
            by=actor.id,
            at=self.clock.now(),
        )

    def _put_decisions(self, actor: Actor, library: Library, made: Sequence[Decision], what: str) -> None:
        with self.db.begin() as tx:
            store = DecisionStore(tx.connection)
            store.add(made)
            for one in made:
                store.settle(library.id, one.left, one.right, PairState(one.verdict.value))
            detail: dict[str, JsonValue] = {
                "library": library.id,
                "decisions": [[one.left, one.right, one.verdict.value] for one in made[:20]],
                "count": len(made),
                "reason": made[0].reason,
            }
            self.evidence.record(tx, actor, f"fusion.records_{what}", target=library.target, detail=detail)
