"""Ways to read sources. Built-in connectors come through the same door as others: the entry point ``beijiang.connectors``."""

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
from beijiang.ingest.connectors.registry import connector, kinds

__all__ = [
    "Connector",
    "ConnectorOptions",
    "Feed",
    "FeedColumn",
    "FileConnector",
    "Position",
    "Reading",
    "Shelf",
    "Wanted",
    "Window",
    "capped",
    "connector",
    "kinds",
    "option",
]
