"""The JSON API of documents."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from beijiang.kit import Actor, TooLarge
from beijiang.mining.models.texts import DocumentDraft, KeywordWay

if TYPE_CHECKING:
    from beijiang.mining.models.texts import Classified, Document, Mention, PlanFound, Sentence, TaskFound
    from beijiang.mining.service import Texts

__all__ = ["texts_router"]

FILE_MOST = 20 << 20


class LabelOrder(BaseModel):
    """The class of a document; empty takes it away."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(default="", max_length=60)


def texts_router(service: Texts) -> APIRouter:
    """Return the endpoints under ``/api/v1/texts``."""
    routes = APIRouter(prefix="/api/v1/texts", tags=["texts"])

    @routes.post("", status_code=201, summary="Keep a document: its bytes are the body of the request")
    async def add(
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=300, description="The file's name")],
        org: Annotated[str, Query(max_length=60, description="The department; one's own if empty")] = "",
        title: Annotated[str, Query(max_length=300)] = "",
        grade: Annotated[str, Query(max_length=4, description="L1 to L3; found if empty")] = "",
        label: Annotated[str, Query(max_length=60)] = "",
    ) -> dict[str, Any]:
        who, content = _actor(request), io.BytesIO(await _body(request))
        draft = DocumentDraft(name=name, title=title, grade=grade, label=label)
        return _document(await run_in_threadpool(service.add, who, org or who.org_id or "", draft, content))

    @routes.get("", summary="Documents that one's department keeps, newest first")
    def documents(request: Request, words: Annotated[str, Query(max_length=200)] = "") -> dict[str, Any]:
        return {"documents": [_document(one) for one in service.documents(_actor(request), words)]}

    @routes.get(
        "/classes", summary="What the labelled documents teach, how well, and the classes of those without a label"
    )
    def classes(request: Request, document: Annotated[str, Query(max_length=40)] = "") -> dict[str, Any]:
        return _sorted(service.classes(_actor(request), document))

    @routes.get("/{document}", summary="One document and its text")
    def one(request: Request, document: str) -> dict[str, Any]:
        who = _actor(request)
        return {**_document(service.document(who, document)), "text": service.text(who, document)}

    @routes.put("/{document}/label", summary="Give a document a class")
    def label(request: Request, document: str, order: LabelOrder) -> dict[str, Any]:
        return _document(service.label(_actor(request), document, order.label))

    @routes.delete("/{document}", status_code=204, summary="Take a document out of use")
    def remove(request: Request, document: str) -> None:
        service.remove(_actor(request), document)

    _add_finding(routes, service)
    return routes


def _add_finding(routes: APIRouter, service: Texts) -> None:
    @routes.get("/{document}/keywords", summary="Keywords and key sentences")
    def keywords(request: Request, document: str, way: KeywordWay = KeywordWay.TFIDF) -> dict[str, Any]:
        found = service.keywords(_actor(request), document, way)
        return {
            "way": str(found.way),
            "grade": found.grade,
            "corpus": found.corpus,
            "keywords": [
                {"word": w.word, "weight": w.weight, "count": w.count, "documents": w.documents} for w in found.words
            ],
            "sentences": [{**_sentence(s), "weight": weight} for s, weight in found.sentences],
        }

    @routes.get("/{document}/alike", summary="Documents that say nearly the same")
    def alike(request: Request, document: str) -> dict[str, Any]:
        return {
            "alike": [
                {"document": a.document.id, "title": a.document.title, "share": a.share, "contained": a.contained, "grade": a.grade}
                for a in service.alike(_actor(request), document)
            ]
        }  # fmt: skip

    @routes.get("/{document}/compare/{other}", summary="Passages of two documents side by side")
    def compare(request: Request, document: str, other: str) -> dict[str, Any]:
        found, grade = service.compare(_actor(request), document, other)
        return {
            "grade": grade,
            "passages": [
                {
                    "here": _sentence(p.here),
                    "there": None if p.there is None else _sentence(p.there),
                    "share": p.share,
                }
                for p in found
            ],
        }

    @routes.get("/{document}/mentions", summary="Regions, departments and legal entities that a document names")
    def mentions(request: Request, document: str) -> dict[str, Any]:
        found, grade = service.mentions(_actor(request), document)
        return {"grade": grade, "mentions": [_mention(one) for one in found]}

    @routes.get("/{document}/tasks", summary="The tasks that a work plan sets, as proposals")
    def tasks(request: Request, document: str) -> dict[str, Any]:
        return _plan(service.tasks(_actor(request), document))


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > FILE_MOST:
            raise TooLarge("文档超过 20 MiB。", "The document is over 20 MiB.", code="file_too_large")
        parts.append(part)
    return b"".join(parts)


def _document(one: Document) -> dict[str, Any]:
    return {
        "id": one.id,
        "organisation": one.org_id,
        "title": one.title,
        "name": one.name,
        "form": str(one.form),
        "sha256": one.sha256,
        "size": one.size,
        "characters": one.characters,
        "sentences": one.sentences,
        "grade": one.grade,
        "label": one.label,
        "by": one.by_name,
        "at": one.at.isoformat(),
    }


def _sentence(one: Sentence) -> dict[str, Any]:
    return {"place": one.place, "start": one.start, "end": one.end, "text": one.text}


def _mention(one: Mention) -> dict[str, Any]:
    return {
        "words": one.words,
        "start": one.start,
        "sentence": one.sentence,
        "chosen": one.chosen or None,
        "why": {"zh": one.why.zh, "en": one.why.en},
        "choices": [{"kind": str(c.kind), "id": c.id, "name": c.name, "note": c.note} for c in one.choices],
    }


def _sorted(found: Classified) -> dict[str, Any]:
    return {
        "digest": found.digest,
        "learned_from": found.learned_from,
        "left_out": list(found.left_out),
        "accuracy": found.accuracy,
        "baseline": found.baseline,
        "grade": found.grade,
        "classes": [
            {"label": s.label, "documents": s.documents, "precision": s.precision, "recall": s.recall, "f1": s.f1}
            for s in found.scores
        ],
        "guesses": [
            {
                "document": g.document,
                "label": g.label,
                "probability": g.probability,
                "words": [{"word": w, "weight": x} for w, x in g.words],
                "others": [{"label": w, "probability": x} for w, x in g.others],
            }
            for g in found.guesses
        ],
    }


def _plan(found: PlanFound) -> dict[str, Any]:
    return {
        "document": found.document,
        "year": found.year,
        "grade": found.grade,
        "tasks": [_task(t) for t in found.tasks],
    }


def _task(one: TaskFound) -> dict[str, Any]:
    return {
        "number": one.number,
        "part": one.part,
        "title": one.title,
        "summary": one.summary,
        "leads": [{"words": b.words, "organisations": list(b.ids)} for b in one.leads],
        "joint": [{"words": b.words, "organisations": list(b.ids)} for b in one.joint],
        "unknown": list(one.unknown),
        "targets": [
            {"name": t.name, "operator": t.operator, "value": t.value, "unit": t.unit, "sentence": t.sentence}
            for t in one.targets
        ],
        "due_on": None if one.due_on is None else one.due_on.isoformat(),
        "due_words": one.due_words,
        "sentences": [_sentence(s) for s in one.sentences],
    }
