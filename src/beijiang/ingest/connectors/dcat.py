"""Catalogs in RDF: DCAT and DCAT-AP as RDF/XML, Turtle, N-Triples or JSON-LD, in one piece or in hydra pages.

A graph is read page by page and never larger than a page may be. Nothing that a document names is fetched to read it:
entities are refused, and contexts of JSON-LD that stand elsewhere are replaced by our own or refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from xml.parsers import expat

from beijiang.ingest.connectors.contract import Feed, option
from beijiang.ingest.connectors.harvester import (
    Harvester,
    HarvestOptions,
    HarvestPage,
    Keeper,
    RemoteDataset,
    RemoteFile,
    RemoteRecord,
    web_address,
)
from beijiang.ingest.connectors.rest_calls import Calls, next_address
from beijiang.kit import Invalid, Text, TooLarge
from beijiang.outbound import parsed

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

    from beijiang.kit.errors import JsonValue

__all__ = ["Dcat", "DcatOptions", "graph_of"]

_ACCEPT: Final = "text/turtle;q=1.0, application/rdf+xml;q=0.9, application/ld+json;q=0.8, application/n-triples;q=0.7"
_DCAT: Final = "http://www.w3.org/ns/dcat#"
_DCT: Final = "http://purl.org/dc/terms/"
_FOAF: Final = "http://xmlns.com/foaf/0.1/"
_VCARD: Final = "http://www.w3.org/2006/vcard/ns#"
_HYDRA: Final = "http://www.w3.org/ns/hydra/core#"
_LABELS: Final = (
    f"{_FOAF}name", "http://www.w3.org/2004/02/skos/core#prefLabel", "http://www.w3.org/2000/01/rdf-schema#label",
    f"{_DCT}title", f"{_VCARD}fn",
)  # fmt: skip
_LANGUAGES: Final = ("zh-cn", "zh", "zh-hans", "", "en")
_KINDS: Final = {
    "text/turtle": "turtle", "application/x-turtle": "turtle", "application/rdf+xml": "xml", "application/ld+json": "json-ld",
    "application/n-triples": "nt", "text/n3": "n3",
}  # fmt: skip
_SUFFIXES: Final = {".ttl": "turtle", ".rdf": "xml", ".xml": "xml", ".jsonld": "json-ld", ".nt": "nt", ".n3": "n3"}
_CONTEXT: Final[dict[str, Any]] = {
    "dcat": _DCAT, "dct": _DCT, "dcterms": _DCT, "foaf": _FOAF, "vcard": _VCARD, "hydra": _HYDRA,
    "xsd": "http://www.w3.org/2001/XMLSchema#", "skos": "http://www.w3.org/2004/02/skos/core#",
    "title": "dct:title", "description": "dct:description", "identifier": "dct:identifier", "keyword": "dcat:keyword",
    "dataset": "dcat:dataset", "distribution": "dcat:distribution", "publisher": "dct:publisher", "name": "foaf:name",
    "license": {"@id": "dct:license"}, "theme": "dcat:theme", "accrualPeriodicity": "dct:accrualPeriodicity",
    "landingPage": {"@id": "dcat:landingPage"}, "accessURL": {"@id": "dcat:accessURL"}, "format": "dct:format",
    "downloadURL": {"@id": "dcat:downloadURL"}, "mediaType": "dcat:mediaType", "spatial": "dct:spatial",
    "Dataset": "dcat:Dataset", "Catalog": "dcat:Catalog", "Distribution": "dcat:Distribution", "modified": "dct:modified",
}  # fmt: skip
_KNOWN_CONTEXTS: Final = ("https://project-open-data.cio.gov/", "https://www.w3.org/ns/dcat", "https://w3id.org/dcat")
_DEPTH: Final = 200


class DcatOptions(HarvestOptions):
    """Where an RDF catalog is."""

    page_mib: int = option(
        Text("单页上限", "Largest page"),
        Text(
            "一页（或整个文件）的最大字节数（MiB）；图要整页读入内存，更大的请用分页地址或 data.json。",
            "Largest page or file in MiB; a graph is read as a whole, so for more use the paged address or data.json.",
        ),
        default=8,
        ge=1,
        le=32,
    )
    syntax: Literal["auto", "turtle", "xml", "json-ld", "nt"] = option(
        Text("格式", "Syntax"),
        Text("auto 按应答的类型和后缀判断。", "auto: by the answer's type and the address."),
        default="auto",
    )


class Dcat(Harvester):
    """An RDF catalog, page after page."""

    text = Text("DCAT 目录（RDF）", "DCAT catalog (RDF)")
    options_model = DcatOptions
    options: DcatOptions

    def check(self) -> Feed:
        """Read the first page."""
        with self.calls(_ACCEPT) as calls:
            graph, _, _ = self._asked(calls, self.options.url)
        return Feed(name="datasets", comment="目录记录 / catalog records", rows=_total(graph))

    def pages(self, at: Mapping[str, JsonValue] | None, keeper: Keeper) -> Iterator[HarvestPage]:
        """Yield pages as each names the next, which never leaves the host that was named."""
        del keeper
        with self.calls(_ACCEPT) as calls:
            here = self.options.url if at is None else str(at["url"])
            while here:
                graph, body, kind = self._asked(calls, here)
                records = _records(self, graph, len(body))
                mark = _next(graph)
                here = str(next_address(parsed(here), mark)) if mark else ""
                following: dict[str, JsonValue] | None = {"url": here} if here else None
                del kind
                yield HarvestPage(records=records, body=body, following=following, total=_total(graph))

    def original(self, path: Path, place: int) -> bytes:
        """Return what a landed page says of a data set, as Turtle."""
        from rdflib import Graph

        body = path.read_bytes()
        graph = graph_of(body, _sniffed(body, "", self.options.url))
        found, left, seen = Graph(), [_subjects(graph)[place]], set[Any]()
        while left:
            node = left.pop()
            if node in seen:
                continue
            seen.add(node)
            for s, p, o in graph.triples((node, None, None)):
                found.add((s, p, o))
                if str(p) != f"{_DCAT}dataset":
                    left.append(o)
        return found.serialize(format="turtle").encode()

    def _asked(self, calls: Calls, url: str) -> tuple[Graph, bytes, str]:
        try:
            answer = calls.get(parsed(url), "")
        except TooLarge as error:
            raise _too_large(self.options.page_mib) from error
        kind: str = self.options.syntax
        if kind == "auto":
            kind = _sniffed(answer.body, answer.headers.get("content-type", ""), url)
        return graph_of(answer.body, kind), answer.body, kind


def graph_of(body: bytes, syntax: str) -> Graph:
    """Return the graph of a document; nothing that it names is opened.

    Raises:
        Invalid: it cannot be read, declares entities, or builds on a context that stands elsewhere.

    """
    import logging

    from rdflib import Graph

    logging.getLogger("rdflib.term").setLevel(logging.ERROR)  # odd literals are no news
    text = body.decode("utf-8-sig", "replace") if syntax != "xml" else ""
    try:
        if syntax == "xml":
            _refuse_entities(body)
        if syntax == "json-ld":
            text = json.dumps(_local(json.loads(text, strict=False)))
        graph = Graph(bind_namespaces="none")
        graph.parse(data=body if syntax == "xml" else text, format=syntax, publicID="urn:catalog:")
    except Invalid:
        raise
    except Exception as error:  # its parsers raise whatever they like
        raise _no_rdf() from error
    return graph


def _refuse_entities(body: bytes) -> None:
    """Refuse a document type of its own: a few entities or defaults of attributes become gigabytes, or name our files."""

    def declared(*_: Any) -> None:
        raise Invalid(
            "RDF/XML 里声明了文档类型或实体（DTD），有安全风险，已拒绝。请来源方去掉 DOCTYPE，或改用 Turtle。",
            "The RDF/XML declares a document type or entities (DTD), which is not safe and was refused. Have the DOCTYPE removed, or use Turtle.",
            code="harvest_entities",
        )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = declared
    parser.Parse(body, True)


def _local(value: Any, depth: int = 0) -> Any:
    """Return JSON-LD whose contexts all stand in it."""
    if depth > _DEPTH:
        raise _no_rdf()
    if isinstance(value, list):
        return [_local(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _local(item, depth + 1) for key, item in value.items() if key not in {"@context", "@import"}}
    if "@import" in value:
        raise _elsewhere(str(value["@import"]))
    if "@context" in value:
        found["@context"] = _context(value["@context"], depth + 1)
    return found


def _context(value: Any, depth: int) -> Any:
    if depth > _DEPTH:
        raise _no_rdf()
    if isinstance(value, list):
        return [_context(item, depth + 1) for item in value]
    if isinstance(value, str):
        if value.startswith(_KNOWN_CONTEXTS):
            return _CONTEXT
        raise _elsewhere(value)
    return _local(value, depth + 1) if isinstance(value, dict) else value


def _records(harvester: Dcat, graph: Graph, size: int) -> list[RemoteRecord]:
    subjects = _subjects(graph)
    reader = _Node(graph)
    average = size // max(1, len(subjects))
    return [harvester.read({"node": subject}, place, average, reader) for place, subject in enumerate(subjects)]


def _subjects(graph: Graph) -> list[Node]:
    """Return the data sets of a page in an order that does not depend on the parser."""
    from rdflib import RDF, URIRef

    return sorted(set(graph.subjects(RDF.type, URIRef(f"{_DCAT}Dataset"))), key=lambda node: _key(graph, node))


def _key(graph: Graph, node: Node) -> str:
    """Return what a data set is known by: a blank node's own name is another at every reading."""
    from rdflib import BNode

    return (
        f"{_Node(graph).one(node, f'{_DCT}identifier')} {_Node(graph).one(node, f'{_DCT}title')}"
        if isinstance(node, BNode)
        else str(node)
    )


class _Node:
    """The words of one data set."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def guid(self, raw: dict[str, Any]) -> str:
        from rdflib import URIRef

        node = raw["node"]
        return self.one(node, f"{_DCT}identifier") or (str(node) if isinstance(node, URIRef) else "")

    def title(self, raw: dict[str, Any]) -> str:
        return self.one(raw["node"], f"{_DCT}title")

    def dataset(self, raw: dict[str, Any]) -> RemoteDataset:
        node = raw["node"]
        files = [found for d in self._all(node, f"{_DCAT}distribution") if (found := self._file(d)) is not None]
        licensed = (node, *self._all(node, f"{_DCAT}distribution"))
        licences = (
            *(x for one in licensed for x in self.many(one, f"{_DCT}license")),
            *(x for one in licensed for x in self._addresses(one, f"{_DCT}license")),
        )
        period = next(iter(self._all(node, f"{_DCT}temporal")), None)
        person = next(iter(self._all(node, f"{_DCAT}contactPoint")), None)
        mail = "" if person is None else self.one(person, f"{_VCARD}hasEmail").removeprefix("mailto:")
        return RemoteDataset(
            title=self.title(raw),
            summary=self.one(node, f"{_DCT}description"),
            publisher=self.one(node, f"{_DCT}publisher"),
            contact=" ".join(
                x for x in (self.one(node, f"{_DCAT}contactPoint") if person is not None else "", mail) if x
            ),
            page=web_address(self.one(node, f"{_DCAT}landingPage")),
            licences=tuple(dict.fromkeys(licences)),
            cycle=self.one(node, f"{_DCT}accrualPeriodicity"),
            themes=self.many(node, f"{_DCAT}theme"),
            keywords=self.many(node, f"{_DCAT}keyword"),
            places=self.many(node, f"{_DCT}spatial"),
            begin="" if period is None else self.one(period, f"{_DCAT}startDate"),
            end="" if period is None else self.one(period, f"{_DCAT}endDate"),
            files=tuple(sorted(files, key=lambda f: f.url)),
        )

    def _file(self, node: Node) -> RemoteFile | None:
        url = web_address(self.one(node, f"{_DCAT}downloadURL")) or web_address(self.one(node, f"{_DCAT}accessURL"))
        if not url:
            return None
        kind = self.one(node, f"{_DCT}format") or self.one(node, f"{_DCAT}mediaType").rsplit("/media-types/", 1)[-1]
        return RemoteFile(url=url, title=self.one(node, f"{_DCT}title"), format=kind)

    def _all(self, node: Node, predicate: str) -> list[Node]:
        from rdflib import URIRef

        return list(self._graph.objects(node, URIRef(predicate)))

    def _addresses(self, node: Node, predicate: str) -> list[str]:
        """Return what is named by an address, even where it has a label too: an address says more surely what is meant."""
        from rdflib import URIRef

        return sorted(str(o) for o in self._all(node, predicate) if isinstance(o, URIRef))

    def one(self, node: Node, predicate: str) -> str:
        """Return one value as text: Chinese, then without a language, then English, then any; always the same one."""
        found = sorted(self._worded(o) for o in self._all(node, predicate))
        return found[0][2] if found else ""

    def many(self, node: Node, predicate: str) -> tuple[str, ...]:
        """Return all values as texts; of one in several languages each counts."""
        return tuple(
            dict.fromkeys(text for _, _, text in sorted(self._worded(o) for o in self._all(node, predicate)) if text)
        )

    def _worded(self, value: Node) -> tuple[int, str, str]:
        from rdflib import Literal as Words
        from rdflib import URIRef

        if isinstance(value, Words):
            language = (value.language or "").lower()
            rank = _LANGUAGES.index(language) if language in _LANGUAGES else len(_LANGUAGES)
            return rank, str(value), str(value).replace("\x00", "").strip()
        for label in _LABELS:
            named = sorted(self._worded(o) for o in self._graph.objects(value, URIRef(label)) if isinstance(o, Words))
            if named:
                return named[0]
        text = str(value) if isinstance(value, URIRef) else ""
        return len(_LANGUAGES) + 1, text, text


def _next(graph: Graph) -> str:
    from rdflib import URIRef

    for name in ("next", "nextPage"):
        found = sorted(str(o) for o in graph.objects(None, URIRef(f"{_HYDRA}{name}")))
        if found:
            return found[0]
    return ""


def _total(graph: Graph) -> int | None:
    from rdflib import URIRef

    told = sorted(str(o) for o in graph.objects(None, URIRef(f"{_HYDRA}totalItems")))
    return int(told[0][:18]) if told and told[0].isascii() and told[0].isdigit() else None


def _sniffed(body: bytes, content_type: str, url: str) -> str:
    """Return the syntax of a document: by its type, by its address, by how it begins."""
    told = _KINDS.get(content_type.partition(";")[0].strip().lower())
    if told is not None:
        return told
    head = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:1] in {b"{", b"["}:
        return "json-ld"
    if head.startswith((b"<?xml", b"<rdf:", b"<!DOCTYPE")):
        return "xml"
    path = parsed(url).path
    return next((kind for suffix, kind in _SUFFIXES.items() if path.endswith(suffix)), "turtle")


def _too_large(limit: int) -> Invalid:
    return Invalid(
        f"RDF 文件超过 {limit} MiB，不能整图读入内存，已停止。请改填分页地址（如 …/catalog.ttl?page=1），或改用对方的 data.json / CKAN 接口。",
        f"The RDF file is over {limit} MiB, and a graph has to be read as a whole; it was not. Give the paged address (like …/catalog.ttl?page=1), or the other side's data.json or CKAN interface.",
        code="harvest_rdf_too_large",
        detail={"limit_mib": limit},
    )


def _elsewhere(context: str) -> Invalid:
    return Invalid(
        f"JSON-LD 引用了外部上下文“{context[:120]}”，平台不会去取。请来源方内嵌上下文，或改用 Turtle、RDF/XML。",
        f'The JSON-LD builds on a context that stands elsewhere ("{context[:120]}"), which is not fetched. Have it put into the document, or use Turtle or RDF/XML.',
        code="harvest_remote_context",
    )


def _no_rdf() -> Invalid:
    return Invalid(
        "对方的应答不是可读的 RDF（Turtle、RDF/XML、JSON-LD）。请核对网址，或用 syntax 选项指明格式。",
        "The answer is no readable RDF (Turtle, RDF/XML, JSON-LD). Check the address, or name its syntax.",
        code="harvest_no_catalog",
    )
