"""Say why somebody may or may not do something, by asking the policies as every verb does."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from beijiang.access.models import ADMINISTRATORS, Permission, Role
from beijiang.access.models.explaining import Explanation, PolicyWords
from beijiang.access.service.organisations import Organisations
from beijiang.access.service.people import People
from beijiang.kit import Invalid, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.kit import Actor

__all__ = ["Explaining", "policy_words"]


class Explaining(Organisations, People):
    """Explain decisions; nothing is decided or recorded here."""

    def explain(self, actor: Actor, name: str, permission: str, org_id: str | None = None) -> Explanation:
        """Return what the policies say of one person (by login or id), one permission and one organisation.

        Everybody may ask about themselves; about others, whoever may see them.

        Raises:
            NotFound: there is no such person or organisation, or the actor may not see the person.
            Invalid: there is no such permission (``no_permission``).

        """
        person = self.person(actor, name)
        if permission not in set(Permission):
            raise Invalid(
                f"没有“{permission[:60]}”这项权限。请从权限清单中选择，如 catalog:resource:publish。",
                f'There is no permission "{permission[:60]}". Choose one of the list, such as catalog:resource:publish.',
                code="no_permission",
            )
        if org_id is not None:
            self.organisation(org_id)
        wanted = Permission(permission)
        asks = person.as_actor(None, pending=person.must_set_password)
        verdict = self._policies.decide(asks, wanted, org_id)
        as_role = replace(asks, roles=frozenset())
        would = [
            role
            for role in Role
            if self._policies.decide(replace(as_role, roles=frozenset({str(role)})), wanted, org_id).allowed
        ]
        known = policy_words()
        return Explanation(
            person=person,
            permission=wanted,
            org_id=org_id,
            allowed=verdict.allowed and person.disabled_at is None,
            policies=tuple(known[reason] for reason in verdict.reasons),
            would=tuple(sorted(would, key=lambda role: (role in ADMINISTRATORS, role))),
            policy=self.policy,
        )


@cache
def policy_words() -> Mapping[str, PolicyWords]:
    """Return what each policy says in words; a test holds the table against the policies."""
    text = (resources.files("beijiang.access") / "policies" / "words.csv").read_text("utf-8")
    return {
        row["id"]: PolicyWords(row["id"], row["effect"] == "permit", Text(row["zh"], row["en"]))
        for row in csv.DictReader(text.splitlines())
    }
