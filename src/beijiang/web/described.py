"""What the description of the HTTP API says of answers that are files: their types, in one place."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["BINARY", "CSV", "JSON", "NDJSON", "PARQUET", "PDF", "TEXT", "XLSX", "YAML", "ZIP", "files_of"]

BINARY: Final = "application/octet-stream"
CSV: Final = "text/csv"
JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
PARQUET: Final = "application/vnd.apache.parquet"
PDF: Final = "application/pdf"
TEXT: Final = "text/plain"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
YAML: Final = "application/yaml"
ZIP: Final = "application/zip"


def files_of(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of an endpoint whose good answer is a file of one of these types."""
    whole = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"description": "The file", "content": dict.fromkeys(media_types, whole)}}
