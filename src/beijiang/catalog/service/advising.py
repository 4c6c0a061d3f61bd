"""Advice on what an entry lacks, and taking all of it at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.catalog.models.advice import Around, advise, edit_of
from beijiang.catalog.service.compiling import Compiling
from beijiang.catalog.store import ResourceStore
from beijiang.kit import Actor, Text

if TYPE_CHECKING:
    from beijiang.catalog.models import Advice, Resource

_LOOKED_AT = 200


class Advising(Compiling):
    """What a newcomer would have to know is proposed, with the reason."""

    def advice(self, actor: Actor, resource_id: str) -> tuple[Advice, ...]:
        """Return for each field that a submission needs what it could say, and why.

        Raises:
            Denied: the actor does not compile for this provider.

        """
        found = self._seen(actor, Permission.CATALOG_RESOURCE_EDIT, resource_id)
        with self._db.read() as connection:
            others = ResourceStore(connection).all(org_id=found.provider_id, limit=_LOOKED_AT)
        return tuple(advise(found, self._around(found, [one for one in others if one.id != found.id])))

    def take_advice(self, actor: Actor, resource_id: str, *, revision: int | None = None) -> Resource:
        """Fill in everything that is advised and not decided yet.

        Raises:
            Denied: the actor does not compile for this provider.
            Conflict: the state does not allow it, or ``revision`` is no longer the newest.

        """
        advice = [one for one in self.advice(actor, resource_id) if not one.decided]
        return self.edit(actor, resource_id, edit_of(advice), revision=revision)

    def _around(self, found: Resource, others: list[Resource]) -> Around:
        category, why = self._category(found, others)
        cycles = Counter(one.entry.update_cycle for one in others if one.entry.update_cycle != "9")
        return Around(
            category=category,
            category_reason=why,
            contact=next((one.entry.contact for one in others if one.entry.contact), ""),
            licence=next((one.id for one in self._standards.licences() if one.is_open), ""),
            usual_cycle=cycles.most_common(1)[0][0] if cycles else "",
        )

    def _category(self, found: Resource, others: list[Resource]) -> tuple[str | None, Text]:
        """Return a division: what the names speak of, else the one that the provider uses most."""
        own = found.entry.categories[0] if found.entry.categories else None
        names = [found.table or "", found.entry.name, *found.facts.columns]
        guess = own or self._standards.guess_category(names)
        if guess is not None:
            category = self._standards.category(guess)
            words = [*category.keywords, *self._standards.category(guess[:3]).keywords]
            hits = [word for word in words if any(word in name for name in names)][:3]
            if hits:
                return guess, Text(
                    f"名称和列名里有{'、'.join(f'“{h}”' for h in hits)}。", f"The names hold {', '.join(hits)}."
                )
            return guess, Text("按名称和列名推断。", "Inferred from the names.")
        used = Counter(one.entry.categories[0] for one in others if one.entry.categories)
        if used:
            return used.most_common(1)[0][0], Text(
                "本单位的目录多数在这一类。", "Most entries of this department are here."
            )
        return None, Text("看不出属于哪一类，请选一个。", "Nothing tells which it is; choose one.")


__all__ = ["Advising"]
