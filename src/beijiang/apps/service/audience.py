"""Who is named: departments and people that are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from beijiang.kit import SYSTEM, Invalid

if TYPE_CHECKING:
    from beijiang.access import Access

__all__ = ["departments", "people", "said"]

NAMES_MOST: Final = 200
WORDS_MOST: Final = 1000


def departments(access: Access, names: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of departments that were named.

    Raises:
        Invalid, NotFound: none is named, or one that is not there.

    """
    named = _named(names)
    for name in named:
        access.organisation(name)
    return named


def people(access: Access, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the logins of people that were named, and their ids.

    Raises:
        Invalid, NotFound: nobody is named, or somebody who is not there.

    """
    named = _named(names)
    return named, tuple(access.person(SYSTEM, name).id for name in named)


def said(text: str) -> str:
    """Return a reason without what stands around it.

    Raises:
        Invalid: there is none, or it is too long (``app_reason``).

    """
    text = text.strip()
    if not 0 < len(text) <= WORDS_MOST:
        raise Invalid(
            f"请写明理由（至多 {WORDS_MOST} 字）。",
            f"Give a reason of at most {WORDS_MOST} characters.",
            code="app_reason",
        )
    return text


def _named(names: Sequence[str]) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not 0 < len(named) <= NAMES_MOST:
        raise Invalid(
            f"请写明 1 到 {NAMES_MOST} 个部门或账号。",
            f"Name 1 to {NAMES_MOST} departments or people.",
            code="app_audience",
        )
    return named
