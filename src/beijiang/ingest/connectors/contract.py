"""What a connector is: a few typed methods between a source of any kind and the one way in.

A connector knows its source's protocol and types, and nothing of tables, people, secrets at rest or schedules. It is handed
options whose secrets are open and a way out whose addresses are checked, and it returns Arrow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from beijiang.ingest.typing import ColumnSpec
from beijiang.kit import Text
from beijiang.tables import Fingerprint

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.outbound import Outbound

__all__ = [
    "Connector",
    "ConnectorOptions",
    "Feed",
    "FeedColumn",
    "Position",
    "Reading",
    "Wanted",
    "Window",
    "option",
]

Position: TypeAlias = "str | int | float | None"
"""How far a feed has been read: a value of its cursor, as JSON can hold it."""


class ConnectorOptions(BaseModel):
    """What a source needs to be reached. Fields of type ``SecretStr`` are sealed before they are stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _parted(cls, given: Any) -> Any:
        """Part the lists of words that forms and terminals hand over as one text with commas."""
        if not isinstance(given, dict):
            return given
        lists = {name for name, f in cls.model_fields.items() if f.annotation == tuple[str, ...]}
        return {n: _words(v) if n in lists and isinstance(v, str) else v for n, v in given.items()}

    @classmethod
    def secret_names(cls) -> frozenset[str]:
        """Return the options that are never shown again."""
        return frozenset(name for name, f in cls.model_fields.items() if SecretStr in _types_of(f.annotation))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.replace("，", ",").split(",") if word.strip()]


def _types_of(annotation: object) -> tuple[object, ...]:
    return (annotation, *getattr(annotation, "__args__", ()))


@dataclass(frozen=True, slots=True)
class FeedColumn:
    """One column of a feed: what the source calls its type, and what it becomes here."""

    spec: ColumnSpec
    native: str
    comment: str = ""
    is_cursor: bool = False
    """Its values have an order that new and changed rows could follow."""

    @property
    def name(self) -> str:
        """Return the column's name, as the source writes it."""
        return self.spec.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One readable set of rows inside a source: a table or view of a database, an end-point, a folder."""

    name: str
    comment: str = ""
    columns: tuple[FeedColumn, ...] = ()
    """Empty in a listing, complete when one feed is described."""
    key: tuple[str, ...] = ()
    rows: int | None = None
    """The source's own estimate, where it has one."""

    def only(self, names: Sequence[str]) -> Feed:
        """Return the feed with some of its columns, in the source's order."""
        return replace(self, columns=tuple(c for c in self.columns if c.name in names))

    def column(self, name: str) -> FeedColumn | None:
        """Return the column called ``name``, if there is one."""
        return next((c for c in self.columns if c.name == name), None)


@dataclass(frozen=True, slots=True)
class Window:
    """Rows whose cursor is at least ``start`` and at most ``end`` (None: no bound), and all rows without a cursor value."""

    column: str
    start: Position = None
    end: Position = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be read: columns of one feed, the key that identifies its rows, and the part that may be new."""

    feed: Feed
    key: tuple[str, ...] = ()
    window: Window | None = None


def option(label: Text, hint: Text, **words: Any) -> Any:
    """Declare an option with what people call it and one sentence of help, in both languages."""
    extra: Any = {"label": {"zh": label.zh, "en": label.en}, "hint": {"zh": hint.zh, "en": hint.en}}
    return Field(description=hint.en, json_schema_extra=extra, **words)


class Reading(ABC):
    """One look at a feed. Where ``consistent``, everything it tells belongs to one moment of the source."""

    consistent: bool = False
    schema: pa.Schema
    """What ``batches`` yield: a column has the Arrow type of its spec, or is ``string`` where its values have yet to be read."""

    @abstractmethod
    def position(self) -> Position:
        """Return the highest value of the cursor in this look; None without a cursor or a row."""

    @abstractmethod
    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the wanted rows, columns in the feed's order."""

    @abstractmethod
    def keys(self) -> Iterator[pa.RecordBatch]:
        """Yield the key columns of all rows of the feed, whatever the window."""

    def until(self, end: Position) -> Reading:
        """Return the same look without rows beyond a cursor value; those without a value stay in it."""
        raise NotImplementedError

    def twin(self) -> AbstractContextManager[Reading] | None:
        """Return the same look through a second connection, so that it counts while this one reads; None where it cannot."""
        return None

    def count(self) -> int | None:
        """Return how many rows are wanted, counted by the source itself; None where it cannot."""
        found = self.fingerprint()
        return None if found is None else found.rows

    def fingerprint(self) -> Fingerprint | None:
        """Return what the wanted rows come to, counted by the source itself; None where it cannot."""
        return None

    def rows_in(self, buckets: Sequence[int]) -> Iterator[pa.RecordBatch]:
        """Yield the wanted rows of some key ranges, or of all where the source cannot tell them apart."""
        del buckets
        return self.batches()


class Connector(ABC):
    """A way to read one kind of source."""

    text: ClassVar[Text]
    """What people call the kind of source."""
    options_model: ClassVar[type[ConnectorOptions]]

    def __init__(self, options: ConnectorOptions, outbound: Outbound) -> None:
        self.options = options
        self.outbound = outbound

    @abstractmethod
    def discover(self) -> list[Feed]:
        """Return what can be read, without columns; also the test of a connection.

        Raises:
            Unavailable: it does not answer now (transient).
            Invalid: it answers and refuses: wrong password, no right, no such database.

        """

    @abstractmethod
    def describe(self, name: str) -> Feed:
        """Return one feed with its columns, comments and key.

        Raises:
            NotFound: there is no such feed, or this account may not see it.

        """

    @abstractmethod
    def open(self, wanted: Wanted) -> AbstractContextManager[Reading]:
        """Begin to look at a feed; everything read inside the block belongs together as far as the source allows."""
