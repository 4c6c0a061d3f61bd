"""Several entries decided on with one confirmation: what would follow from each, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.catalog.models.lifecycle import Action, State
from beijiang.kit import Invalid, Text

if TYPE_CHECKING:
    from beijiang.catalog.models.resource import Resource

__all__ = ["DECIDED_MOST", "Decided", "Planned", "seen_once", "step_of"]

DECIDED_MOST: Final = 50
"""Entries that are decided on together: more than that nobody looks at before agreeing."""

_STEPS: Final = {State.PENDING_REGISTER: Action.APPROVE, State.PENDING_PUBLISH: Action.PUBLISH}
_FOLLOWS: Final = {
    Action.APPROVE: Text(
        "生成目录代码，转待发布；发布前仍可退回。",
        "Its codes are made and it waits for publication; until then it can still be sent back.",
    ),
    Action.PUBLISH: Text(
        "形成不可更改的版本，读者立即可见；要收回须下架并说明原因，版本和存证保留。",
        "It becomes a version that never changes, and readers see it at once; to take it back it is withdrawn with a reason, the version and the evidence stay.",
    ),
}


def step_of(found: Resource) -> Action | None:
    """Return the decision that an entry waits for; nothing where it waits for none."""
    return _STEPS.get(found.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a decision on an entry does, or why this person cannot take it."""

    resource_id: str
    resource: Resource | None = None
    """The entry as it is now; nothing where there is none, or none that this person may see."""
    why: Text | None = None
    """Why it is not this person's to decide, or cannot be decided as it is; nothing where it can be."""

    @property
    def action(self) -> Action | None:
        """Return the step that it waits for; nothing where it waits for no decision."""
        return None if self.resource is None else step_of(self.resource)

    @property
    def follows(self) -> Text | None:
        """Return what the decision brings about, and how it is taken back."""
        return None if self.action is None else _FOLLOWS[self.action]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What became of one entry."""

    resource_id: str
    name: str
    state: State | None = None
    """Where it stands now; nothing where it was not decided on."""
    why: Text | None = None
    """Why it was not."""
    code: str = ""
    """The code of the error, for programs."""


def seen_once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return entry -> token of what was looked at.

    Raises:
        Invalid: an entry is named twice, so which of the two was meant nobody knows (``named_twice``).

    """
    told: dict[str, str] = {}
    for name, seen in pairs:
        if name in told:
            raise Invalid(
                f"“{name}”写了两次。每条目录只写一次，请重新查看后再办理。",
                f"{name} is named twice: name each entry once, as it was shown last.",
                code="named_twice",
            )
        told[name] = seen
    return told
