"""Ways to read sources. Built-in connectors come through the same door as others: the entry point ``beijiang.connectors``.

A connector of your own needs nothing but what stands here; docs/tutorials/add-a-connector.md makes one.
"""

from beijiang.ingest.connectors.contract import (
    Connector,
    ConnectorOptions,
    Feed,
    FeedColumn,
    Position,
    Reading,
    Wanted,
    Window,
    option,
)
from beijiang.ingest.connectors.files import FileConnector, Shelf, capped
from beijiang.ingest.connectors.registry import connector, kinds, usable_kinds
from beijiang.ingest.connectors.rows import RowsReading
from beijiang.ingest.connectors.troubles import feed_missing, source_refuses, source_unreachable
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import Invalid, Text

__all__ = [
    "ColumnSpec",
    "ColumnType",
    "Connector",
    "ConnectorOptions",
    "Feed",
    "FeedColumn",
    "FileConnector",
    "Invalid",
    "Position",
    "Reading",
    "RowsReading",
    "Shelf",
    "Text",
    "Wanted",
    "Window",
    "capped",
    "connector",
    "feed_missing",
    "kinds",
    "option",
    "source_refuses",
    "source_unreachable",
    "usable_kinds",
]
