"""Profiles of law: which one counts since when, for all or for one department."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.kit import Invalid, NotFound
from beijiang.standards.models import INSTALLATION, Choice, Profile, Rule
from beijiang.standards.service.registry import Registry
from beijiang.standards.store import RegistryStore

if TYPE_CHECKING:
    from datetime import date

    from beijiang.kit import Actor

__all__ = ["Laws", "ProfileView"]


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A profile with what it asks, and for whom it counts today."""

    profile: Profile
    rules: Sequence[Rule]
    fields: Sequence[Rule]
    """What an entry of the catalog must say under it, its own or those of the first profile."""
    counts_for: Sequence[str]
    """Departments that chose it; an empty word stands for all that chose none."""


class Laws(Registry):
    """The registry with the profiles of law that its rules belong to."""

    def profiles(self, actor: Actor) -> Sequence[ProfileView]:
        """Return the profiles with their rules, and for whom each counts today."""
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        book, today = self.books.now()
        rules = tuple(book.rules_on(today).values())
        orgs = (INSTALLATION, *dict.fromkeys(c.org_id for c in self.books.choices() if c.org_id != INSTALLATION))
        now = {org: self.standards.profile_on(org, today).id for org in orgs}
        return [
            ProfileView(
                one,
                [rule for rule in rules if rule.profile == one.id],
                list(self.standards.required_fields(one.id, today).values()),
                [org for org, profile in now.items() if profile == one.id],
            )
            for one in self.standards.profiles()
        ]

    def choices(self, actor: Actor) -> Sequence[Choice]:
        """Return which profiles were chosen, newest first."""
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        return self.books.choices()

    def choose(self, actor: Actor, profile: str, since: date, reason: str, org_id: str = INSTALLATION) -> Choice:
        """Say which profile counts from a day on, for a department or for all that chose none.

        What was published before keeps the profile that it was checked against.

        Raises:
            Denied: not the data authority.
            NotFound: no such profile or department.
            Invalid: no reason, or a day on which the profile does not count.

        """
        self.access.require(actor, Permission.STANDARDS_PROFILE_CHOOSE)
        known = {one.id: one for one in self.standards.profiles()}
        if profile not in known:
            raise NotFound(
                f"没有规则配置“{profile[:40]}”。", f'There is no profile "{profile[:40]}".', code="unknown_code"
            )
        if org_id != INSTALLATION:
            self.access.organisation(org_id)
        if not reason.strip():
            raise Invalid("请说明理由。", "A reason is needed.", code="reason_needed")
        if not known[profile].holds(since):
            raise Invalid(
                f"“{known[profile].name.zh}”在 {since.isoformat()} 尚未施行或已失效。",
                f"{known[profile].name.en} does not count on {since.isoformat()}.",
                code="profile_not_in_force",
            )
        made = Choice(org_id, profile, since, reason.strip()[:1000], actor.id, self.clock.now())
        with self.db.begin() as tx:
            RegistryStore(tx.connection).choose(made)
            detail = {"profile": profile, "org_id": org_id, "since": since.isoformat(), "reason": made.reason}
            self.evidence.record(tx, actor, "standards.profile_choose", target=profile, detail=detail)
        return made
