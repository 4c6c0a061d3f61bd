"""Why somebody may or may not do something: the policies that decided, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.access.models.people import Person
    from beijiang.access.models.permission import Permission, Role

__all__ = ["Explanation", "PolicyWords"]


@dataclass(frozen=True, slots=True)
class PolicyWords:
    """One policy: its id as it stands in the policies and in every record of a refusal, and what it says."""

    id: str
    permits: bool
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer to one question, and what made it so."""

    person: Person
    permission: Permission
    org_id: str | None
    """Whose thing it is; None asks about the function as such."""
    allowed: bool
    policies: tuple[PolicyWords, ...]
    """Those that decided: that permit, or that forbid; none where nothing permits."""
    would: tuple[Role, ...]
    """Roles that would allow it to a person of the same organisation."""
    policy: str
    """Digest of the policies in force."""

    @property
    def why(self) -> Text:
        """Say in one sentence what decided."""
        if self.person.disabled_at is not None:
            return Text("账号已停用，什么都不能做。", "The account is closed and may do nothing.")
        if self.allowed:
            return Text("可以：下面的策略允许。", "Allowed: the policies below permit it.")
        if any(not one.permits for one in self.policies):
            return Text(
                "不可以：下面的策略禁止，禁止优先于允许。",
                "Refused: a policy below forbids it, which goes before any permit.",
            )
        return Text(
            "不可以：没有策略允许，未允许即拒绝。",
            "Refused: no policy permits it, and what is not permitted is refused.",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the explanation for an API answer or the terminal."""
        return {
            "person": self.person.login,
            "permission": self.permission.value,
            "org_id": self.org_id,
            "allowed": self.allowed,
            "why": {"zh": self.why.zh, "en": self.why.en},
            "policies": [
                {"id": one.id, "permits": one.permits, "zh": one.text.zh, "en": one.text.en} for one in self.policies
            ],
            "would": [role.value for role in self.would],
            "policy": self.policy,
        }
