"""``beijiang texts``: documents that an organisation keeps, and what is in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Text
from beijiang.mining.models.texts import DocumentDraft, KeywordWay
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.mining.models.texts import Document
    from beijiang.mining.service import Texts

__all__ = ["texts_commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_ORG = typer.Option("", "--org", help="The department whose documents are meant; the person's own if left out.")
_FILE = typer.Argument(help="A .txt, .md or .docx file.", exists=True, dir_okay=False)
_WAY = typer.Option(KeywordWay.TFIDF, help="How they are found.")
_ID = typer.Argument(help="Id of the document.")
_KEPT = (
    Column("id", Text("标识", "id"), whole=True),
    Column("title", Text("标题", "title")),
    Column("grade", Text("级别", "grade")),
    Column("label", Text("类别", "class")),
    Column("sentences", Text("句数", "sentences"), right=True),
    Column("at", Text("时间", "at")),
    Column("by", Text("谁", "who"), spare=True),
)


def texts_commands(get: Callable[[], Texts], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Documents: keep them, and find what is in them.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("add")
    def add(
        file: Path = _FILE,
        org: str = _ORG,
        title: str = typer.Option("", help="Its title; the file's name if left out."),
        grade: str = typer.Option("", help="L1 to L3; found from the text if left out."),
        label: str = typer.Option("", help="Its class."),
        person: str = _AS,
    ) -> None:
        """Keep a document, its bytes unchanged."""
        actor = who(person)
        with file.open("rb") as content:
            draft = DocumentDraft(name=file.name, title=title, grade=grade, label=label)
            made = get().add(actor, org or actor.org_id or "", draft, content)
        show([_kept(made)], _KEPT)

    @group.command("list")
    def list_(words: str = typer.Argument("", help="Words in the title."), org: str = _ORG, person: str = _AS) -> None:
        """Show the documents that a department keeps."""
        show([_kept(one) for one in get().documents(who(person), words, org)], _KEPT)

    @group.command("label")
    def label(document: str = _ID, name: str = typer.Argument(help="The class."), person: str = _AS) -> None:
        """Give a document a class."""
        show([_kept(get().label(who(person), document, name))], _KEPT)

    @group.command("remove")
    def remove(document: str = _ID, person: str = _AS) -> None:
        """Take a document out of use."""
        get().remove(who(person), document)
        say(Text("已移除。", "Removed."))

    _add_finding(group, get, who)
    return group


def _add_finding(group: typer.Typer, get: Callable[[], Texts], who: Callable[[str], Actor]) -> None:
    @group.command("keywords")
    def keywords(
        document: str = _ID,
        way: KeywordWay = _WAY,
        person: str = _AS,
    ) -> None:
        """Show keywords and key sentences of a document."""
        found = get().keywords(who(person), document, way)
        show([{"word": w.word, "weight": w.weight, "count": w.count, "documents": w.documents} for w in found.words])
        show([{"weight": weight, "sentence": s.text} for s, weight in found.sentences])
        say(
            Text(
                f"对照 {found.corpus} 份文档；级别 {found.grade}。",
                f"Against {found.corpus} documents; grade {found.grade}.",
            )
        )

    @group.command("alike")
    def alike(document: str = _ID, person: str = _AS) -> None:
        """Show documents that say nearly the same."""
        found = get().alike(who(person), document)
        show(
            [
                {"id": a.document.id, "title": a.document.title, "share": a.share, "contained": a.contained}
                for a in found
            ]
        )

    @group.command("compare")
    def compare(
        document: str = _ID, other: str = typer.Argument(help="The other document."), person: str = _AS
    ) -> None:
        """Show passages of two documents side by side."""
        found, grade = get().compare(who(person), document, other)
        show([{"share": p.share, "here": p.here.text, "there": "" if p.there is None else p.there.text} for p in found])
        say(Text(f"级别 {grade}。", f"Grade {grade}."))

    @group.command("classes")
    def classes(
        document: str = typer.Argument("", help="Id of one document; without it all that have no class."),
        person: str = _AS,
    ) -> None:
        """Show what the labelled documents teach, how well, and the classes of others."""
        found = get().classes(who(person), document)
        show(
            [
                {"class": s.label, "documents": s.documents, "precision": s.precision, "recall": s.recall}
                for s in found.scores
            ]
        )
        show(
            [
                {"id": g.document, "class": g.label, "sure": g.probability, "words": " ".join(w for w, _ in g.words)}
                for g in found.guesses
            ]
        )
        say(Text(f"未参与学习的文档上准确率 {found.accuracy:.1%}（总猜最多的一类 {found.baseline:.1%}）。",
                 f"Right on {found.accuracy:.1%} of documents kept out of the learning (always the most frequent: {found.baseline:.1%})."))  # fmt: skip

    @group.command("mentions")
    def mentions(document: str = _ID, person: str = _AS) -> None:
        """Show the regions, departments and legal entities that a document names."""
        found, grade = get().mentions(who(person), document)
        rows = [
            {
                "words": one.words,
                "sentence": one.sentence,
                "chosen": one.chosen or "?",
                "choices": " / ".join(f"{c.id} {c.name} {c.note}".strip() for c in one.choices),
            }
            for one in found
        ]
        show(rows)
        say(Text(f"级别 {grade}。", f"Grade {grade}."))

    @group.command("tasks")
    def tasks(document: str = _ID, person: str = _AS) -> None:
        """Show the tasks that a work plan sets, as proposals."""
        found = get().tasks(who(person), document)
        rows = [
            {
                "number": t.number,
                "title": t.title,
                "leads": "、".join(b.words for b in t.leads),
                "joint": "、".join([*(b.words for b in t.joint), *t.unknown]),
                "targets": "；".join(str(one) for one in t.targets),
                "due": t.due_on or "",
            }
            for t in found.tasks
        ]
        show(rows)


def _kept(one: Document) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "grade": one.grade,
        "label": one.label,
        "sentences": one.sentences,
        "at": one.at,
        "by": one.by_name,
        "form": one.form.text.in_language(language()),
    }
