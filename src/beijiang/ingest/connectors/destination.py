"""What a destination is: a place of a consumer's to which deliveries are brought, each whole or not at all.

The way there is that of the connectors: their options with secrets open, and addresses that are checked. A destination
knows nothing of grants, tables of ours or schedules; it is handed Arrow and says what came to be.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final

from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import Conflict, Invalid, Text

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.ingest.connectors.contract import ConnectorOptions
    from beijiang.kit.errors import JsonValue
    from beijiang.outbound import Outbound

__all__ = ["GONE", "Delivered", "Destination", "Parcel", "Proof", "overtaken", "parted", "specs_of", "unfit"]

GONE: Final = "_bj_gone"
"""The last column of changes: whether the row with this key went. Whole deliveries do not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One delivery: what it brings a subscriber from which version to which."""

    id: str
    push: str
    sequence: int
    table: str
    version: int
    before: int | None
    """The version that is at the far side; None brings everything anew."""
    key: tuple[str, ...]
    schema: pa.Schema
    target: str
    at: datetime
    attempt: int = 1
    in_doubt: tuple[str, ...] = ()
    """Columns whose values are being looked into (校核) when it leaves."""

    @property
    def whole(self) -> bool:
        """Tell whether it replaces what is at the far side."""
        return self.before is None

    def facts(self) -> dict[str, JsonValue]:
        """Return what receivers are told of it."""
        return {
            "delivery": self.id,
            "subscription": self.push,
            "sequence": self.sequence,
            "table": self.table,
            "mode": "full" if self.whole else "changes",
            "from_version": self.before,
            "to_version": self.version,
            "key": [*self.key],
            "in_doubt": [*self.in_doubt],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What came to be at the far side."""

    rows: int
    gone: int
    repeated: bool = False
    """It was there already, and nothing changed."""
    facts: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the far side holds, as far as it can be told: whether that is what it should be."""

    equal: bool | None
    """None where it cannot be told."""
    facts: Mapping[str, JsonValue] = field(default_factory=dict)


class Destination(ABC):
    """A way to bring rows to one kind of place."""

    text: ClassVar[Text]
    options_model: ClassVar[type[ConnectorOptions]]
    tells: ClassVar[bool] = True
    """Whether it can be asked if a delivery is there."""
    holds_table: ClassVar[bool] = False
    """Whether what it holds can be compared with the whole table."""

    def __init__(self, options: ConnectorOptions, outbound: Outbound) -> None:
        self.options = options
        self.outbound = outbound
        self.uncertain = False
        """Where it cannot be asked: whether the delivery may have arrived without our being told."""
        self.moved: Callable[[], None] = lambda: None
        """Called when something went forward that is no batch taken; raises where the delivery was given up."""

    @classmethod
    def shown_as(cls, options: Mapping[str, JsonValue], target: str) -> str:
        """Return what lists call the place: the table or folder, unless the kind has none."""
        del options
        return target.strip()

    def checked(self, url: str) -> None:
        """Return if rows may be brought to an address: over https, or where plain http was allowed for that target.

        Raises:
            Refused: it was not (``plain_http``).

        """
        from beijiang.outbound import parsed

        place = parsed(url)
        if place.scheme != "https":
            self.outbound.require_plain(place.host, place.port or 80)

    @abstractmethod
    def look(self, parcel: Parcel) -> Text:
        """Return what a delivery would do there, having changed nothing.

        Raises:
            Invalid: it does not fit (``push_unfit``), or the place refuses.
            Unavailable: the place does not answer.

        """

    @abstractmethod
    def held(self, parcel: Parcel) -> Delivered | None:
        """Return the delivery if it is there already."""

    @abstractmethod
    def deliver(self, parcel: Parcel, goods: Iterator[pa.RecordBatch]) -> Delivered:
        """Bring it there; all of it, or nothing is changed. Again changes nothing.

        Raises:
            Conflict: a later delivery is there (``push_overtaken``).

        """

    @abstractmethod
    def prove(self, parcel: Parcel, done: Delivered, whole: tuple[int, int] | None) -> Proof:
        """Look at the far side and say whether it holds what it should; ``whole``: rows and checksum of the table."""


def specs_of(schema: pa.Schema) -> list[ColumnSpec]:
    """Return the columns that an Arrow schema needs elsewhere: the inverse of how columns of sources are typed.

    Raises:
        Invalid: a type has no counterpart.

    """
    import pyarrow as pa

    tests = (
        (ColumnType.BOOLEAN, pa.types.is_boolean),
        (ColumnType.INTEGER, pa.types.is_integer),
        (ColumnType.DOUBLE, pa.types.is_floating),
        (ColumnType.DATE, pa.types.is_date),
        (ColumnType.TIMESTAMP, pa.types.is_timestamp),
        (ColumnType.TEXT, lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind)),
    )
    specs = []
    for f in schema:
        if pa.types.is_decimal(f.type):
            specs.append(
                ColumnSpec(f.name, ColumnType.DECIMAL, precision=f.type.precision, scale=f.type.scale, fixed=True)
            )
            continue
        word = next((word for word, test in tests if test(f.type)), None)
        if word is None:
            raise unfit(f.name, str(f.type), "-")
        specs.append(ColumnSpec(f.name, word))
    return specs


def parted(batch: pa.RecordBatch, key: Sequence[str]) -> tuple[pa.RecordBatch, pa.RecordBatch | None]:
    """Part a batch of changes into rows and the keys that went; None where none did."""
    import pyarrow.compute as pc

    if GONE not in batch.schema.names:
        return batch, None
    flag = batch.column(GONE)
    names = [name for name in batch.schema.names if name != GONE]
    if not pc.any(flag).as_py():
        return batch.select(names), None
    return batch.filter(pc.invert(flag)).select(names), batch.filter(flag).select([*key])


def unfit(column: str, wanted: str, found: str) -> Invalid:
    """Say that a column of the target does not fit."""
    return Invalid(
        f"目标表的列“{column}”与要推送的不符：需要 {wanted}，现为 {found}。请修改目标表，或换一个目标表名由平台新建。",
        f'The target\'s column "{column}" does not fit: {wanted} is needed, it is {found}. Change the target, or name another table and the platform makes it.',
        code="push_unfit",
        detail={"column": column, "wanted": wanted, "found": found},
    )


def overtaken() -> Conflict:
    """Say that a later delivery arrived first."""
    return Conflict(
        "目标处已有更新的交付，这一次不再写入。",
        "A later delivery is at the destination already; this one is not written.",
        code="push_overtaken",
    )
