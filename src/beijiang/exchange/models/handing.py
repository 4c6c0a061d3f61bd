"""What is handed over as a file: encrypted packages (加密包), and the marks by which a file that got out is traced (溯源)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["MadePackage", "Mark", "Package", "PackageCipher", "Suspect", "TraceReport", "Traced"]


class PackageCipher(Word):
    """How a package is sealed."""

    AES = "aes", "AES-256（WPS、7-Zip 等可打开）", "AES-256 (opened by 7-Zip, WinZip, WPS)"
    SM4 = "sm4", "SM4 国密（用 beijiang unpack 打开）", "SM4, the national algorithm (opened by beijiang unpack)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An encrypted package that waits for whoever had it made; its password is kept nowhere."""

    id: str
    by: str
    table: str
    version: int
    obligations: str
    """What it was made under; the package is handed over only while the same holds."""
    grant_id: str
    purpose: str
    receipt: str
    file_name: str
    bytes: int
    sm3: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class MadePackage:
    """A package with its password, which is shown this once."""

    package: Package
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A file that was handed over under a grant: the order of its rows was drawn by its receipt."""

    receipt: str
    grant_id: str
    table: str
    version: int
    org_id: str | None
    by: str
    by_name: str
    purpose: str
    columns: tuple[str, ...]
    """The columns that stood in it as they are; by their values its rows are known again."""
    at: datetime


class Traced(Word):
    """How a file was traced."""

    NAMED = "named", "文件自述", "the file says so itself"
    ORDER = "order", "行序水印", "by the order of its rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A hand-over that the file most likely came from."""

    mark: Mark
    how: Traced
    confidence: float
    """One less the chance that any of the compared marks agrees as well by accident; what a file says of itself has 0."""
    pairs: int = 0
    agreeing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceReport:
    """What a file that got out tells of where it came from."""

    rows: int
    known: int
    """Rows that were found again, each in one place of the table."""
    compared: int
    """Marks that the order of rows was compared with."""
    suspects: tuple[Suspect, ...]
    """The surest first; none where it cannot be told."""
    words: Text
