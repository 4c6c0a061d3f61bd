"""Keeping documents: their bytes as they were, their grade, their class, and who may see them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from datetime import date
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO, Final

from beijiang.access import Permission
from beijiang.ingest import whole_text, word_text
from beijiang.kit import Conflict, new_id
from beijiang.mining.errors import bad_grade, no_document, no_form, no_words, unfit_document
from beijiang.mining.models.texts import Document, DocumentDraft, DocumentForm, Sentence
from beijiang.mining.models.texts.documents import personal_marks, sentences_of
from beijiang.mining.models.texts.likeness import signature
from beijiang.mining.models.texts.words import Cutter
from beijiang.mining.store.texts import TextStore
from beijiang.protection import ControlRule, asks

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.ingest import Landing
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.mining.models.texts.mentions import Registers
    from beijiang.standards import Standards

__all__ = ["Keeping"]

FILE_MOST: Final = 20 << 20
CHARACTERS_MOST: Final = 2_000_000
TITLE_MOST: Final = 300
LABEL_MOST: Final = 60
WORDS_MOST: Final = 5000
"""Different words of a document that are counted for the corpus; the most frequent ones are."""
_FORMS: Final = {
    ".txt": DocumentForm.TEXT,
    ".md": DocumentForm.MARKDOWN,
    ".markdown": DocumentForm.MARKDOWN,
    ".docx": DocumentForm.WORD,
}
_GRADES: Final = ("L1", "L2", "L3", "L4")
_CLOSED: Final = "L3"
"""From this grade on a document is read by who keeps documents only, and each reading is recorded."""


class Keeping:
    """Documents of organisations; a document is seen by the people of the organisation that keeps it."""

    def __init__(
        self,
        db: Database,
        landing: Landing,
        access: Access,
        evidence: Evidence,
        standards: Standards,
        registers: Registers,
        clock: Clock,
    ) -> None:
        self.db = db
        self.landing = landing
        self.access = access
        self.evidence = evidence
        self.standards = standards
        self.registers = registers
        self.clock = clock
        self._cutting = threading.Lock()
        self._cutter: tuple[int, Cutter] | None = None

    def add(self, actor: Actor, org_id: str, draft: DocumentDraft, content: BinaryIO) -> Document:
        """Keep a document for an organisation, its bytes unchanged.

        Raises:
            Invalid: of no kind that is read, without text, or a word is too long.
            Refused: of a grade that is not kept (``document_grade``). What shows personal numbers is kept as L3, whatever was said.
            Conflict: the organisation keeps the same bytes already (``document_twice``).
            TooLarge: over 20 MiB, or it would unpack to too much.

        """
        self.access.require(actor, Permission.MINING_TEXT_KEEP, org_id)
        name = PurePath(draft.name.replace("\\", "/")).name[-TITLE_MOST:]
        form = _FORMS.get(PurePath(name).suffix.lower())
        if form is None:
            raise no_form(name)
        sha256, size, _ = self.landing.put(content, FILE_MOST)
        text = self._text_of(sha256, name, form)
        made = self._made(actor, org_id, draft, (sha256, size, form, name), text)
        with self.db.begin() as tx:
            store = TextStore(tx.connection)
            twin = store.twin(org_id, sha256)
            if twin is not None:
                raise Conflict(
                    f"本单位已有相同的文档“{twin.title}”。",
                    f'The organisation keeps the same document already: "{twin.title}".',
                    code="document_twice",
                    detail={"document": twin.id},
                )
            store.add(made)
            detail: dict[str, JsonValue] = {
                "org_id": org_id,
                "sha256": sha256,
                "grade": made.grade,
                "title": made.title,
            }
            self.evidence.record(tx, actor, "mining.text_add", target=made.id, detail=detail)
        return made

    def documents(self, actor: Actor, words: str = "", org_id: str = "") -> Sequence[Document]:
        """Return the documents of an organisation, the actor's own if none is named, that he may see, newest first."""
        org = org_id or actor.org_id or ""
        self.access.require(actor, Permission.MINING_TEXT_READ, org or None)
        with self.db.read() as connection:
            found = TextStore(connection).of(org)
        wanted = words.strip().casefold()
        return [
            one
            for one in found
            if self._may_see(actor, one) and wanted in f"{one.title}\n{one.label}\n{one.name}".casefold()
        ]

    def lost(self) -> Sequence[str]:
        """Return the ids of documents whose bytes are gone or are other ones, as after a backup without the folder ``texts``."""
        with self.db.read() as connection:
            found = TextStore(connection).kept()
        return [one.id for one in found if not self._whole(one)]

    def _whole(self, one: Document) -> bool:
        if not self.landing.has(one.sha256):
            return False
        with self.landing.path(one.sha256).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == one.sha256

    def document(self, actor: Actor, document_id: str) -> Document:
        """Return a document.

        Raises:
            NotFound: unknown, removed, another organisation's, or graded too high for the actor.

        """
        return self._seen(actor, document_id)

    def text(self, actor: Actor, document_id: str) -> str:
        """Return the text of a document; reading one of L3 is put on record."""
        return self._text(actor, self._seen(actor, document_id))

    def label(self, actor: Actor, document_id: str, label: str) -> Document:
        """Give a document a class, or none."""
        found = self._kept(actor, document_id)
        said = " ".join(label.split())
        if len(said) > LABEL_MOST:
            raise unfit_document(f"类别最多 {LABEL_MOST} 字。", f"A class has at most {LABEL_MOST} characters.")
        with self.db.begin() as tx:
            TextStore(tx.connection).label(found.id, said)
            self.evidence.record(tx, actor, "mining.text_label", target=found.id, detail={"label": said})
        return self._seen(actor, document_id)

    def remove(self, actor: Actor, document_id: str) -> None:
        """Take a document out of use; that it was kept stays on record."""
        found = self._kept(actor, document_id)
        with self.db.begin() as tx:
            TextStore(tx.connection).retire(found.id)
            self.evidence.record(tx, actor, "mining.text_remove", target=found.id, detail={"sha256": found.sha256})

    # Inside

    def _seen(self, actor: Actor, document_id: str) -> Document:
        self.access.require(actor, Permission.MINING_TEXT_READ)
        with self.db.read() as connection:
            found = TextStore(connection).get(document_id)
        if found is None or not self._may_see(actor, found):
            raise no_document()
        return found

    def _kept(self, actor: Actor, document_id: str) -> Document:
        found = self._seen(actor, document_id)
        self.access.require(actor, Permission.MINING_TEXT_KEEP, found.org_id)
        return found

    def _may_see(self, actor: Actor, one: Document) -> bool:
        wanted = Permission.MINING_TEXT_KEEP if one.grade >= _CLOSED else Permission.MINING_TEXT_READ
        return self.access.allows(actor, wanted, one.org_id)

    def _text(self, actor: Actor, one: Document) -> str:
        if one.grade >= _CLOSED:
            with self.db.begin() as tx:
                self.evidence.record(tx, actor, "mining.text_read", target=one.id, detail={"grade": one.grade})
        return self._text_of(one.sha256, one.name, one.form)

    def _sentences(self, actor: Actor, one: Document) -> Sequence[Sentence]:
        return sentences_of(self._text(actor, one))

    def _text_of(self, sha256: str, name: str, form: DocumentForm) -> str:
        path = self.landing.path(sha256)
        text = word_text(path, name) if form is DocumentForm.WORD else whole_text(path, name)
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").lstrip("\ufeff")
        if len(text) > CHARACTERS_MOST:
            raise unfit_document(
                f"文档超过 {CHARACTERS_MOST:,} 字，请拆分后提交。",
                f"The document has over {CHARACTERS_MOST:,} characters; split it.",
            )
        return text

    def _made(
        self, actor: Actor, org_id: str, draft: DocumentDraft, file: tuple[str, int, DocumentForm, str], text: str
    ) -> Document:
        sha256, size, form, name = file
        sentences = sentences_of(text)
        if not sentences:
            raise no_words(name)
        title, label = " ".join(draft.title.split()) or PurePath(name).stem, " ".join(draft.label.split())
        if len(title) > TITLE_MOST or len(label) > LABEL_MOST:
            raise unfit_document(
                f"标题最多 {TITLE_MOST} 字，类别最多 {LABEL_MOST} 字。",
                f"A title has at most {TITLE_MOST} characters, a class {LABEL_MOST}.",
            )
        cutter = self._cut()
        counts = cutter.counts(text)
        kept = sorted(counts, key=lambda word: (-counts[word], word))[:WORDS_MOST]
        return Document(
            id=new_id("txt"),
            org_id=org_id,
            name=name,
            title=title,
            form=form,
            sha256=sha256,
            size=size,
            characters=len(text),
            sentences=len(sentences),
            grade=_grade(draft.grade, text, self.clock.now().date()),
            label=label,
            words={word: counts[word] for word in kept},
            signature=signature(cutter.words(text)),
            by=actor.id,
            by_name=actor.name,
            at=self.clock.now(),
        )

    def _cut(self) -> Cutter:
        """Return what cuts texts into words, with the names of government told to it; made anew when a body is added."""
        bodies = self.access.organisations()
        with self._cutting:
            if self._cutter is None or self._cutter[0] != len(bodies):
                names = {name for one in bodies for name in (one.name_zh, one.short_zh or "")}
                for table, column in (("regions", "name"), ("data_elements", "name_zh"), ("categories", "name_zh")):
                    names.update(row.get(column, "") for row in self.standards.table(table))
                self._cutter = (len(bodies), Cutter(sorted(names)))
            return self._cutter[1]


def _grade(wanted: str, text: str, day: date) -> str:
    """Return the grade of a document: as it was said, but not below what its text shows; L2 where nobody said any."""
    found = "L3" if personal_marks(text) else "L1"
    if wanted and wanted not in _GRADES:
        raise bad_grade(wanted)
    grade = max(found, wanted or "L2")
    if asks(ControlRule.NO_DOCUMENT, grade, day):
        raise bad_grade(grade)
    return grade
