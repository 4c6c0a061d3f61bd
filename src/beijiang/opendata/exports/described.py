"""What the exports say of a data set, a page of the catalog, and a file whose bytes are known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from beijiang.kit import Text
from beijiang.opendata.models import Dataset, FileFace

__all__ = ["CatalogPage", "Described", "Period", "period_of"]

_DATE: Final = re.compile(r"(?<!\d)(\d{4})(?:[-年./](\d{1,2})(?:[-月./](\d{1,2}))?)?(?!\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """The time that data cover, as ``2020``, ``2020-05`` or ``2020-05-31``; empty where it is open."""

    begin: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One data set as the public sees it; ``files`` only where it is described alone."""

    dataset: Dataset
    files: tuple[FileFace, ...] = ()

    @property
    def changed(self) -> datetime | None:
        """Return when its description or its rows changed last."""
        return max((at for at in (self.dataset.published_at, self.dataset.data_at) if at), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPage:
    """Some data sets of the public catalog."""

    datasets: Sequence[Described]
    total: int
    page: int
    size: int
    publisher_id: str | None = None
    publisher: Text | None = None
    """The department, where only its data sets are listed."""

    @property
    def last(self) -> int:
        """Return the number of the last page."""
        return max(1, -(-self.total // self.size))

    @property
    def changed(self) -> datetime | None:
        """Return when one of these data sets changed last."""
        return max((d.changed for d in self.datasets if d.changed), default=None)


def period_of(words: str) -> Period | None:
    """Read the first and the last date of a time span as people write it; None where there is none."""
    found = ["-".join([m[1], *(part.zfill(2) for part in (m[2], m[3]) if part)]) for m in _DATE.finditer(words)]
    if not found:
        return None
    open_end = len(found) == 1 and re.search(r"至今|以来|now|present|起", words) is not None
    return Period(found[0], "" if open_end else found[-1])
