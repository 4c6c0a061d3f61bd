"""Documents and what was counted in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from beijiang.mining.models.texts import Document, DocumentForm
from beijiang.mining.store.texts_schema import text_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

__all__ = ["TextStore"]

_D = text_document.c
_PLAIN = (
    "id", "org_id", "name", "title", "sha256", "size", "characters", "sentences", "grade", "label", "by", "by_name",
    "at", "retired",
)  # fmt: skip


class TextStore:
    """Read and write documents on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, one: Document) -> None:
        """Add a document."""
        values = {name: getattr(one, name) for name in _PLAIN}
        self._connection.execute(
            insert(text_document).values(
                **values, form=one.form.value, words=dict(one.words), signature=list(one.signature)
            )
        )

    def get(self, document_id: str) -> Document | None:
        """Return a document that is in use."""
        query = select(text_document).where(_D.id == document_id, _D.retired.is_(False))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _document(row)

    def of(self, org_id: str) -> Sequence[Document]:
        """Return the documents of an organisation, newest first."""
        query = select(text_document).where(_D.org_id == org_id, _D.retired.is_(False))
        return [_document(row) for row in self._connection.execute(query.order_by(_D.at.desc(), _D.id.desc()))]

    def kept(self) -> Sequence[Document]:
        """Return every document that is kept, of all organisations."""
        query = select(text_document).where(text_document.c.retired.is_(False)).order_by(text_document.c.id)
        return [_document(row) for row in self._connection.execute(query)]

    def twin(self, org_id: str, sha256: str) -> Document | None:
        """Return the document of an organisation that has the same bytes."""
        query = select(text_document).where(_D.org_id == org_id, _D.sha256 == sha256, _D.retired.is_(False))
        row = self._connection.execute(query).first()
        return None if row is None else _document(row)

    def label(self, document_id: str, label: str) -> None:
        """Give a document a class."""
        self._connection.execute(update(text_document).where(_D.id == document_id).values(label=label))

    def retire(self, document_id: str) -> None:
        """Take a document out of use."""
        self._connection.execute(update(text_document).where(_D.id == document_id).values(retired=True))


def _document(row: Row[Any]) -> Document:
    values = {name: getattr(row, name) for name in _PLAIN}
    return Document(**values, form=DocumentForm(row.form), words=dict(row.words), signature=tuple(row.signature))
