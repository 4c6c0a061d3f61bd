"""The first step of a run over files that arrive: list, tell what is new, and land every byte of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from beijiang.ingest.connectors import capped
from beijiang.ingest.models import FileState, Found, Known, RunMode, Sighting, Sync, decided, gone_from, order_of
from beijiang.ingest.store.arrivals import Arrival
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    from beijiang.ingest.connectors import FileConnector, Shelf

__all__ = ["Taken", "Taker", "sightings"]

_READY: Final = frozenset({FileState.NEW, FileState.CHANGED, FileState.KNOWN})
_LATER: Final = frozenset({"file_changed", "file_forbidden"})
_FETCHING: Final = Text("取文件", "Fetching files")
_NEXT: Final = Text("超过一次取数的文件数，下次再取", "more files than one run takes; the next run takes it")
_APPENDED: Final = Text(
    "内容已变，而追加会使行重复。请让来源用新文件名，或改用合并；确需再次追加，用 --whole 并写明理由",
    "changed, and appending it would repeat rows. Let the source use a new name, or merge; to append it all the same, use --whole and give a reason",
)
_GROWS: Final = Text("仍在写入", "it is still being written")

PAUSE: Callable[[float], None] = time.sleep

LandFile = Callable[[BinaryIO], tuple[str, int]]
"""Keep the bytes of a stream; return their SHA-256 and number."""


@dataclass(slots=True)
class Taken:
    """What one look at the files brought."""

    before: str | None
    """The run on whose rows this one goes on; None makes the table anew."""
    arrivals: list[Arrival] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it for storage between the steps of a run."""
        states: dict[str, int] = {}
        for seen in self.sightings:
            states[seen.state.value] = states.get(seen.state.value, 0) + 1
        taken = [a for a in self.arrivals if a.taken]
        aside = [s.to_json() for s in self.sightings if s.state not in {FileState.NEW, FileState.KNOWN}]
        return {
            "before": self.before,
            "files": [[a.sha256, a.name, a.size] for a in taken],
            "states": states,
            "told": aside,
        }


class _Stream:
    """What a source hands over, as something to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, size: int = -1) -> bytes:
        """Return the next piece, however long; nothing at the end."""
        del size
        return next((p for p in self._pieces if p), b"")


def sightings(
    shelf: Shelf, sync: Sync, known: Mapping[str, Known], *, now: datetime, again: bool = False
) -> list[Sighting]:
    """Tell where each wanted file stands, those that are gone at the end."""
    assert sync.files is not None  # noqa: S101 - only syncs of files come here
    listing = capped(shelf.listing(sync.feed, deep=sync.files.deep))
    seen = decided(listing, known, sync.files, now=now, again=again)
    return [*seen, *gone_from(seen, known)]


class Taker:
    """Takes files from one source for one run; what was landed before the source broke off is not fetched again."""

    def __init__(
        self, sync: Sync, known: Mapping[str, Known], head: str | None, *, whole: bool, land: LandFile
    ) -> None:
        assert sync.files is not None  # noqa: S101 - only syncs of files come here
        self.sync = sync
        self.rules = sync.files
        self.known = known
        self.head = head
        self.whole = whole
        self._land = land
        self._landed: dict[tuple[str, int | None, str], tuple[str, int]] = {}

    def take(
        self,
        connector: FileConnector,
        *,
        now: Callable[[], datetime],
        tick: Callable[[int, int | None, Text], None],
    ) -> Taken:
        """Look once (twice where files are young), fetch what is new, and say what became of each file."""
        with connector.open() as shelf:
            seen = sightings(shelf, self.sync, self.known, now=now(), again=self.whole)
            if any(s.young for s in seen):
                tick(0, len(seen), Text("等待新文件写完", "Waiting for new files to be finished"))
                PAUSE(self.rules.quiet)
                seen = _grown(seen, capped(shelf.listing(self.sync.feed, deep=self.rules.deep)))
            seen = self._limited(seen)
            return self._fetched(shelf, seen, tick)

    def _wants(self, seen: Sighting) -> bool:
        again = self.whole and seen.state is FileState.KNOWN and self.rules.mode is not RunMode.APPEND
        return seen.state in {FileState.NEW, FileState.CHANGED} or again

    def _limited(self, seen: Sequence[Sighting]) -> list[Sighting]:
        left = self.rules.limit
        limited = []
        for sighting in seen:
            if self._wants(sighting) and self.rules.mode is not RunMode.REPLACE:
                left -= 1
                limited.append(sighting if left >= 0 else Sighting(sighting.found, FileState.WAITING, _NEXT))
            else:
                limited.append(sighting)
        return limited

    def _fetched(self, shelf: Shelf, seen: list[Sighting], tick: Callable[[int, int | None, Text], None]) -> Taken:
        wanted = [s for s in seen if self._wants(s)]
        taken = Taken(self.head, sightings=seen)
        contents = {k.taken: k.name for k in self.known.values() if k.taken} if not self.whole else {}
        for number, sighting in enumerate(wanted):
            tick(number, len(wanted), _FETCHING)
            arrival, told = self._one(shelf, sighting, contents)
            if arrival is not None:
                taken.arrivals.append(arrival)
                if arrival.taken:
                    contents[arrival.sha256] = arrival.name
            if told is not sighting:
                seen[seen.index(sighting)] = told
        if self.rules.mode is RunMode.REPLACE and any(a.taken for a in taken.arrivals):
            self._complete(taken)
        return taken

    def _one(self, shelf: Shelf, sighting: Sighting, contents: Mapping[str, str]) -> tuple[Arrival | None, Sighting]:
        found, known = sighting.found, self.known.get(sighting.found.name)
        about = Arrival(
            name=found.name, size=found.size, mark=found.mark, modified=found.modified, sha256="", taken=False
        )
        try:
            sha256, _ = self._bytes(shelf, found)
        except BeijiangError as error:
            if error.reason in _LATER:
                return None, replace(sighting, state=FileState.WAITING, why=error.text)
            if error.reason != "file_too_large":
                raise
            return replace(about, why=error.text), replace(sighting, state=FileState.REFUSED, why=error.text)
        arrival = replace(about, sha256=sha256)
        if not self.whole and known is not None and known.taken == sha256:
            return arrival, replace(sighting, state=FileState.KNOWN)
        twin = contents.get(sha256)
        if twin is not None and twin != found.name:
            why = Text(f"与 {twin} 内容相同，不重复取", f"the same contents as {twin}; not taken twice")
        elif self.rules.mode is RunMode.APPEND and sighting.state is FileState.CHANGED and not self.whole:
            why = _APPENDED
        else:
            return replace(arrival, taken=True), sighting
        return replace(arrival, why=why), replace(sighting, state=FileState.REFUSED, why=why)

    def _bytes(self, shelf: Shelf, found: Found) -> tuple[str, int]:
        place = (found.name, found.size, found.mark)
        if place not in self._landed:
            pieces = shelf.read(self.sync.feed, found)
            self._landed[place] = self._land(cast("BinaryIO", _Stream(pieces)))
        return self._landed[place]

    def _complete(self, taken: Taken) -> None:
        """Make the set whole: what did not change is read again from its landed bytes, also where the source lost it."""
        taken.before = None
        here = {a.name for a in taken.arrivals if a.taken}
        contents = {a.sha256 for a in taken.arrivals if a.taken}
        if not self.rules.newest:
            gone = {s.found.name for s in taken.sightings if s.state is FileState.GONE}
            for known in self.known.values():
                lost = self.whole and known.name in gone
                if known.taken and known.name not in here and known.taken not in contents and not lost:
                    contents.add(known.taken)
                    taken.arrivals.append(
                        Arrival(
                            name=known.name,
                            size=known.size,
                            mark=known.mark,
                            modified=known.modified,
                            sha256=known.taken,
                            taken=True,
                        )
                    )
        taken.arrivals.sort(key=lambda a: order_of(a.name, a.modified, self.rules))


def _grown(seen: Sequence[Sighting], listing: Sequence[Found]) -> list[Sighting]:
    """Hold a second listing against the first: a young file that is not the same in both still grows."""
    second = {f.name: f for f in listing}
    told = []
    for sighting in seen:
        now = second.get(sighting.found.name)
        same = now is not None and (now.size, now.mark) == (sighting.found.size, sighting.found.mark)
        told.append(sighting if same or not sighting.young else Sighting(sighting.found, FileState.WAITING, _GROWS))
    return told
