"""What a harvest would do, found by reading the other catalog and changing nothing."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from beijiang.ingest.models import COUNTED, HarvestPlan, Outcome, OutcomeKind, Source
from beijiang.ingest.service.harvesting import assess, told_error
from beijiang.ingest.store.harvest import HarvestStore

if TYPE_CHECKING:
    from beijiang.db import Database
    from beijiang.ingest.connectors.harvester import Harvester
    from beijiang.ingest.service.harvest_terms import Terms

__all__ = ["planned"]

_SAMPLES: Final = 5
_STALE: Final = 3
_CHUNK: Final = 1 << 20


class _Aside:
    """Keeps bytes in a folder that goes away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, stream: BinaryIO) -> str:
        digest = hashlib.sha256()
        with (self._folder / "part").open("wb") as file:
            while piece := stream.read(_CHUNK):
                digest.update(piece)
                file.write(piece)
        (self._folder / "part").rename(self._folder / digest.hexdigest())
        return digest.hexdigest()

    def path(self, sha256: str) -> Path:
        return self._folder / sha256


def planned(db: Database, source: Source, harvester: Harvester, terms: Terms, most: int) -> HarvestPlan:
    """Read up to ``most`` records and say what would become of each."""
    counts: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    samples: list[Outcome] = []
    seen: set[bytes] = set()
    total, complete, stale = None, False, 0
    with db.read() as connection:
        number = HarvestStore(connection).last_number(source.id) + 1
    with tempfile.TemporaryDirectory(prefix="harvest-") as folder:
        for page in harvester.pages(None, _Aside(Path(folder))):
            total = page.total if page.total is not None else total
            with db.read() as connection:
                known = HarvestStore(connection).known(source.id, [r.guid for r in page.records])
            before = len(seen)
            for record in page.records:
                mark = hashlib.blake2b(record.guid.encode(), digest_size=16).digest()
                again = mark in seen
                seen.add(mark)
                found = assess(record, known.get(record.guid), number, terms)
                kind = OutcomeKind.REPEATED if again else found.kind
                counts["seen"] += 1
                counts["unchanged" if kind is None else kind.value] += 1
                if kind is not None and sum(s.kind is kind for s in samples) < _SAMPLES:
                    reason = None if found.fault is None else told_error(found.fault)
                    samples.append(Outcome(run_id="", guid=record.guid, kind=kind, title=record.title, reason=reason))
            stale = stale + 1 if len(seen) == before else 0
            if counts["seen"] >= most or stale >= _STALE:
                break
        else:
            complete = True
    if complete and (total is None or len(seen) >= total):
        with db.read() as connection:
            held = HarvestStore(connection).unseen(source.id, number)[1]
        counts["vanished"] = max(0, held - counts["unchanged"] - counts["changed"])
    return HarvestPlan(
        source_name=source.name,
        looked_at=counts["seen"],
        complete=complete,
        total=total,
        counts=dict(counts),
        samples=tuple(samples),
        unmapped=tuple(terms.unmapped()),
    )
