"""What helps to answer a demand: entries that may be it, duties to supply the same, and what of it is on the negative list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.catalog import SearchQuery
from beijiang.exchange.models import DemandHints, DemandQuery, DemandState
from beijiang.exchange.service.settling import Settling
from beijiang.exchange.store import DemandStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.catalog import SearchHit
    from beijiang.exchange.models import Demand, DemandDraft
    from beijiang.kit import Actor

__all__ = ["TITLE_LONGEST", "Hinting"]

TITLE_LONGEST: Final = 200
SIMILAR: Final = 5
TERMS_MOST: Final = 6
"""Items that are looked for beside the title."""
_TERM_SHORTEST: Final = 2
_BETWEEN: Final = re.compile(r"[、，,；;\s/]+")


class Hinting(Settling):
    """The part of demands that proposes and decides nothing."""

    def similar(self, actor: Actor, words: str, items: str = "") -> Sequence[SearchHit]:
        """Return entries of the catalog that may be what is needed: by what it is called, and by its items.

        Who needs data may ask, and who matches demands with the catalog.
        """
        if not self.access.allows(actor, Permission.EXCHANGE_REQUEST_REVIEW):
            self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        return self._similar(actor, words, items)

    def _beside(self, actor: Actor, demand: Demand) -> DemandHints:
        """Return what stands beside a demand: nothing is found that the actor could not find."""
        hits = self._similar(actor, demand.draft.title, demand.draft.items)
        with self.db.read() as connection:
            store = DemandStore(connection)
            known = store.organisations()
            orgs = [org for org in sorted(known) if self.access.allows(actor, Permission.EXCHANGE_REQUEST_READ, org)]
            owed = DemandQuery(states=frozenset({DemandState.CONFIRMED}), duties=True)
            duties, _ = store.find(owed, orgs, every=len(orgs) == len(known))
        return DemandHints(
            entries=tuple(hits),
            duties=tuple(one for one in duties if one.id != demand.id and _alike(one.draft, demand.draft)),
            not_shared=tuple(self.parts.not_shared(actor, [hit.id for hit in hits])),
        )

    def _similar(self, actor: Actor, words: str, items: str) -> Sequence[SearchHit]:
        """Ask for the title and for each item, and put first what was found most often."""
        found: dict[str, SearchHit] = {}
        times: dict[str, float] = {}
        for term in dict.fromkeys(filter(None, (words.strip()[:TITLE_LONGEST], *_terms(items)))):
            hits = self.parts.catalog.search(actor, SearchQuery(text=term, size=SIMILAR)).hits
            for place, hit in enumerate(hits):
                found.setdefault(hit.id, hit)
                times[hit.id] = times.get(hit.id, 0) + 1 / (1 + place)
        return sorted(found.values(), key=lambda hit: -times[hit.id])[:SIMILAR]


def _terms(items: str) -> list[str]:
    return [one for one in _BETWEEN.split(items.strip()) if len(one) >= _TERM_SHORTEST][:TERMS_MOST]


def _alike(one: DemandDraft, other: DemandDraft) -> bool:
    """Tell whether two demands ask for the same: one names an item of the other, or the other's title."""
    for first, second in ((one, other), (other, one)):
        said = f"{second.title} {second.items}"
        if first.title in said or any(term in said for term in _terms(first.items)):
            return True
    return False
