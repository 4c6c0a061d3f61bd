"""The word index: an FTS5 table on SQLite, a tsvector column on PostgreSQL, filled with the same terms.

Both are made by DDL of their own after ``catalog_search``, since neither exists on the other database.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import DDL, Connection, event, text

from beijiang.catalog.models.terms import All, Match, Phrase, Scope
from beijiang.catalog.store import schema as s
from beijiang.kit import bigrams

SQLITE_DDL = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS catalog_fts USING fts5(name, words, fields, sound, tokenize = 'ascii')",
)
POSTGRES_DDL = (
    "CREATE TABLE IF NOT EXISTS catalog_words (position integer PRIMARY KEY, terms tsvector NOT NULL)",
    "CREATE INDEX IF NOT EXISTS ix_catalog_words_terms ON catalog_words USING gin (terms)",
)
"""What a migration executes for its database, beside the tables of the metadata."""

for _statement in SQLITE_DDL:
    event.listen(s.search, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
for _statement in POSTGRES_DDL:
    event.listen(s.search, "after_create", DDL(_statement).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]

_BREAK = "¶"
"""A term that stands between two values, so that no phrase runs from one into the next."""
_POSITIONS = 16_380
"""PostgreSQL keeps term positions below 2^14."""


@dataclass(frozen=True, slots=True)
class Document:
    """The words of one row, by column; each value is kept apart from the next."""

    name: str
    words: tuple[str, ...]
    fields: tuple[str, ...]
    sounds: tuple[str, ...]
    """Ready terms: pinyin and initials from each character on."""
    links: tuple[str, ...] = ()
    """Codes of other entries that this one names as related."""

    def columns(self) -> tuple[list[str], list[str], list[str], list[str]]:
        """Return the terms of the four columns."""
        return (
            bigrams(self.name),
            _joined(self.words),
            _joined(self.fields),
            [*self.sounds, *map(link_term, self.links)],
        )


def link_term(code: str) -> str:
    """Return the term that stands for a reference to a code; nothing that a person types becomes such a term."""
    return "→" + code.replace("/", "→")


def _joined(values: Iterable[str]) -> list[str]:
    terms: list[str] = []
    for value in dict.fromkeys(values):
        if terms:
            terms.append(_BREAK)
        terms.extend(bigrams(value))
    return terms


class WordIndex(ABC):
    """Find the positions whose words meet a condition."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @abstractmethod
    def put(self, rows: Sequence[tuple[int, Document]]) -> None:
        """Store documents, replacing what their positions held."""

    @abstractmethod
    def remove(self, position: int) -> None:
        """Forget one position."""

    @abstractmethod
    def match(self, condition: Match) -> str:
        """Return all positions that meet ``condition`` as one text with commas between, in no order.

        A row or a number of Python's for each would cost more than the search.
        """

    @staticmethod
    def of(connection: Connection) -> WordIndex:
        """Return the index of this database."""
        return SqliteWords(connection) if connection.dialect.name == "sqlite" else PostgresWords(connection)

    def _positions(self, query: str, condition: str) -> str:
        return self._connection.execute(text(query), {"q": condition}).scalar_one() or ""


class SqliteWords(WordIndex):
    """FTS5 with the terms made in Python; its own tokenizer only splits at blanks."""

    def put(self, rows: Sequence[tuple[int, Document]]) -> None:
        values = []
        for position, document in rows:
            name, words, fields, sound = (" ".join(terms) for terms in document.columns())
            values.append({"p": position, "name": name, "words": words, "fields": fields, "sound": sound})
        if values:
            self._connection.execute(text("DELETE FROM catalog_fts WHERE rowid = :p"), [{"p": v["p"]} for v in values])
            insert = "INSERT INTO catalog_fts (rowid, name, words, fields, sound) VALUES (:p, :name, :words, :fields, :sound)"
            self._connection.execute(text(insert), values)

    def remove(self, position: int) -> None:
        self._connection.execute(text("DELETE FROM catalog_fts WHERE rowid = :p"), {"p": position})

    def match(self, condition: Match) -> str:
        query = "SELECT group_concat(rowid) FROM catalog_fts WHERE catalog_fts MATCH :q"
        return self._positions(query, _fts(condition))


_FTS_COLUMNS = {Scope.TEXT: "{name words fields}", Scope.NAME: "{name}", Scope.SOUND: "{sound}"}


def _fts(condition: Match) -> str:
    if isinstance(condition, Phrase):
        quoted = '"' + " ".join(condition.terms).replace('"', '""') + '"'
        return f"{_FTS_COLUMNS[condition.scope]} : {quoted}{' *' if condition.open_end else ''}"
    word = " AND " if isinstance(condition, All) else " OR "
    return word.join(f"({_fts(part)})" for part in condition.parts)


class PostgresWords(WordIndex):
    """A tsvector made in Python: label A name, B words, C fields, D sound; positions leave a gap between values."""

    def put(self, rows: Sequence[tuple[int, Document]]) -> None:
        values = [{"p": position, "terms": _vector(document)} for position, document in rows]
        if values:
            insert = (
                "INSERT INTO catalog_words (position, terms) VALUES (:p, CAST(:terms AS tsvector)) "
                "ON CONFLICT (position) DO UPDATE SET terms = excluded.terms"
            )
            self._connection.execute(text(insert), values)

    def remove(self, position: int) -> None:
        self._connection.execute(text("DELETE FROM catalog_words WHERE position = :p"), {"p": position})

    def match(self, condition: Match) -> str:
        query = "SELECT string_agg(CAST(position AS text), ',') FROM catalog_words WHERE terms @@ CAST(:q AS tsquery)"
        return self._positions(query, _tsquery(condition))


def _vector(document: Document) -> str:
    places: dict[str, list[str]] = {}
    at = 0
    for label, terms in zip("ABCD", document.columns(), strict=True):
        at += 1
        for term in terms:
            at += 1
            if term != _BREAK and at < _POSITIONS:
                places.setdefault(term, []).append(f"{at}{label}")
    return " ".join(f"'{_quoted(term)}':{','.join(where)}" for term, where in places.items())


_LABELS = {Scope.TEXT: "ABC", Scope.NAME: "A", Scope.SOUND: "D"}


def _tsquery(condition: Match) -> str:
    if isinstance(condition, Phrase):
        labels = _LABELS[condition.scope]
        parts = [f"'{_quoted(term)}':{labels}" for term in condition.terms]
        if condition.open_end:
            parts[-1] = f"'{_quoted(condition.terms[-1])}':*{labels}"
        return "(" + " <-> ".join(parts) + ")"
    word = " & " if isinstance(condition, All) else " | "
    return "(" + word.join(_tsquery(part) for part in condition.parts) + ")"


def _quoted(term: str) -> str:
    return term.replace("\\", "\\\\").replace("'", "''")


__all__ = ["POSTGRES_DDL", "SQLITE_DDL", "Document", "PostgresWords", "SqliteWords", "WordIndex", "link_term"]
