"""DCAT-AP 3.0 of the catalog: a graph, then one of five syntaxes. Every node that is named says its class in the same document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from rdflib import FOAF, RDF, RDFS, SKOS, XSD, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS

from beijiang.catalog import FieldKind, FieldPlace, OpenType
from beijiang.opendata.exports.described import CatalogPage, Described, period_of
from beijiang.opendata.models import FileFace

if TYPE_CHECKING:
    from beijiang.catalog import ExtensionValue
    from beijiang.kit import Text
    from beijiang.opendata.models import Dataset

__all__ = ["MEDIA_TYPES", "Site", "catalog", "single", "written"]

MEDIA_TYPES: Final = {
    "ttl": "text/turtle",
    "rdf": "application/rdf+xml",
    "xml": "application/rdf+xml",
    "n3": "text/n3",
    "jsonld": "application/ld+json",
}
"""The endings of addresses and what they give."""
FREQUENCIES: Final = {
    "1": "CONT", "2": "DAILY", "3": "WEEKLY", "4": "MONTHLY", "5": "QUARTERLY", "6": "ANNUAL", "7": "MONTHLY_3",
    "8": "ANNUAL_2", "9": "IRREG", "10": "NEVER",
}  # fmt: skip
"""Update cycles of the catalog guide in the EU's authority table."""
RIGHTS: Final = {
    OpenType.UNCONDITIONAL: "PUBLIC", OpenType.CONDITIONAL: "RESTRICTED", OpenType.NOT_OPEN: "NON_PUBLIC",
}  # fmt: skip
FORMS: Final = (
    ("csv", "CSV", "text/csv"),
    ("xlsx", "XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("json", "JSON", "application/json"),
    ("parquet", "PARQUET", "application/vnd.apache.parquet"),
)
PROFILE: Final = "https://semiceu.github.io/DCAT-AP/releases/3.0.0"
_SYNTAXES: Final = {"ttl": "turtle", "rdf": "xml", "xml": "xml", "n3": "n3", "jsonld": "json-ld"}
_AUTHORITY: Final = "http://publications.europa.eu/resource/authority/"
_IANA: Final = "https://www.iana.org/assignments/media-types/"
DCAT: Final = Namespace("http://www.w3.org/ns/dcat#")
_VCARD: Final = Namespace("http://www.w3.org/2006/vcard/ns#")
_HYDRA: Final = Namespace("http://www.w3.org/ns/hydra/core#")
_SPDX: Final = Namespace("http://spdx.org/rdf/terms#")
_PREFIXES: Final = {
    "dcat": DCAT, "dct": DCTERMS, "foaf": FOAF, "hydra": _HYDRA, "rdfs": RDFS, "skos": SKOS, "spdx": _SPDX,
    "vcard": _VCARD, "xsd": XSD,
}  # fmt: skip
_KINDS: Final = {
    FieldKind.DATE: XSD.date, FieldKind.LINK: XSD.anyURI, FieldKind.NUMBER: XSD.decimal, FieldKind.YES_NO: XSD.boolean,
}  # fmt: skip
_TYPED: Final = {4: XSD.gYear, 7: XSD.gYearMonth, 10: XSD.date}


class Site:
    """Who publishes: address without a slash, name, and the office that answers for the whole."""

    def __init__(self, base: str, title: Text, publisher: Text, at: str = "") -> None:
        self.at = at
        """What addresses of a portal's catalog begin with; empty for the region's."""
        self.base = base
        self.title = title
        self.publisher = publisher


def catalog(page: CatalogPage, site: Site, suffix: str = "ttl", query: Sequence[tuple[str, str]] = ()) -> Graph:
    """Return a page of the catalog; ``query`` are the parameters that its other pages keep."""
    whole = _Whole(site)
    whole.catalog(page)
    whole.paged(page, suffix, query)
    return whole.graph


def single(one: Described, site: Site) -> Graph:
    """Return one data set, in the catalog that it belongs to."""
    whole = _Whole(site)
    whole.dataset(one)
    return whole.graph


def written(graph: Graph, suffix: str) -> bytes:
    """Return a graph in the syntax of an ending; JSON-LD carries its context."""
    if suffix != "jsonld":
        return graph.serialize(format=_SYNTAXES[suffix], encoding="utf-8")
    context: dict[str, Any] = {name: str(space) for name, space in sorted(_PREFIXES.items())}
    document = json.loads(graph.serialize(format="json-ld", context=context))
    nodes = sorted(document.get("@graph", [document]), key=lambda node: str(node.get("@id", "")))
    return json.dumps({"@context": context, "@graph": nodes}, ensure_ascii=False, indent=1, sort_keys=True).encode()


class _Whole:
    """A document that is being put together."""

    def __init__(self, site: Site) -> None:
        self.graph = Graph(bind_namespaces="none")
        for name, space in _PREFIXES.items():
            self.graph.bind(name, space)
        self._site = site
        self._scheme = f"{site.base}/api/v1/standards/categories"
        self._declared: Final = Namespace(f"{site.base}/api/v1/catalog/fields/")
        """Properties of ours: each is the address at which its field is described."""
        self.graph.bind("field", self._declared)

    def catalog(self, page: CatalogPage) -> None:
        site = self._site
        path = f"/departments/{quote(page.publisher_id)}/catalog" if page.publisher_id else "/catalog"
        node = self._node(site.base + site.at + path, DCAT.Catalog)
        self._words(node, DCTERMS.title, page.publisher or site.title)
        self._words(node, DCTERMS.description, page.publisher or site.title)
        if page.publisher_id and page.publisher:
            self._link(node, DCTERMS.publisher, self._agent(page.publisher_id, page.publisher))
        else:
            agent = self._node(f"{site.base}/about#publisher", FOAF.Agent)
            self._words(agent, FOAF.name, site.publisher)
            self._link(node, DCTERMS.publisher, agent)
        self._link(node, FOAF.homepage, self._node(f"{site.base}/", FOAF.Document))
        self._link(node, DCAT.themeTaxonomy, self._taxonomy())
        self._languages(node)
        if page.changed:
            self._moment(node, DCTERMS.modified, page.changed)
        for one in page.datasets:
            found = self.dataset(one)
            self._link(node, DCAT.dataset, found)
            self._link(node, DCAT.record, self._record(found, one))
        if any(one.dataset.readable for one in page.datasets):
            self._link(node, DCAT.service, self._service())

    def paged(self, page: CatalogPage, suffix: str, query: Sequence[tuple[str, str]]) -> None:
        """Say which page this is, under both names of each link, as literals."""
        path = f"/departments/{quote(page.publisher_id)}/catalog" if page.publisher_id else "/catalog"

        def at(number: int) -> str:
            return f"{self._site.base}{self._site.at}{path}.{suffix}?{urlencode([*query, ('page', str(number))])}"

        here = self._node(at(page.page), _HYDRA.PagedCollection)
        self.graph.add((here, _HYDRA.totalItems, Literal(page.total)))
        self.graph.add((here, _HYDRA.itemsPerPage, Literal(page.size)))
        links = {("firstPage", "first"): at(1), ("lastPage", "last"): at(page.last)}
        if page.page > 1:
            links["previousPage", "previous"] = at(min(page.page - 1, page.last))
        if page.page < page.last:
            links["nextPage", "next"] = at(page.page + 1)
        for names, address in links.items():
            for name in names:
                self.graph.add((here, _HYDRA[name], Literal(address)))

    def dataset(self, one: Described) -> URIRef:
        """Add a data set with all that it names."""
        ds, site = one.dataset, self._site
        node = self._node(f"{site.base}/datasets/{quote(ds.id)}", DCAT.Dataset)
        self.graph.add((node, RDF.type, DCAT.Resource))
        for predicate, text in ((DCTERMS.title, ds.title), (DCTERMS.description, ds.summary or ds.title)):
            self.graph.add((node, predicate, Literal(_clean(text), lang="zh")))
        self.graph.add((node, DCTERMS.identifier, Literal(ds.id)))
        self.graph.add((node, DCAT.version, Literal(_version(ds))))
        for word in ds.keywords:
            self.graph.add((node, DCAT.keyword, Literal(_clean(word), lang="zh")))
        self._link(node, DCTERMS.publisher, self._agent(ds.provider_id, ds.provider))
        self._link(node, DCAT.contactPoint, self._contact(node, ds))
        self._link(node, DCAT.landingPage, self._node(str(node), FOAF.Document))
        self._link(node, DCTERMS.accrualPeriodicity, self._cycle(ds))
        self._link(node, DCTERMS.accessRights, self._rights(ds.open_type))
        for theme in ds.themes:
            concept = self._node(f"{site.base}/datasets?{urlencode({'theme': theme.id})}", SKOS.Concept)
            self._words(concept, SKOS.prefLabel, theme.category)
            self._link(concept, SKOS.inScheme, self._taxonomy())
            self._link(node, DCAT.theme, concept)
        if ds.published_at:
            self._moment(node, DCTERMS.issued, ds.published_at)
        if one.changed:
            self._moment(node, DCTERMS.modified, one.changed)
        self._languages(node)
        self._covers(node, ds)
        for value in ds.extensions:
            if FieldPlace.API in value.field.places:
                self._extension(node, value)
        if ds.readable:
            self._distributions(node, one)
        return node

    def _distributions(self, node: URIRef, one: Described) -> None:
        ds = one.dataset
        api = f"{self._site.base}/api/v1/datasets/{quote(ds.id)}"
        for form, label, media in FORMS:
            made = self._distribution(node, form, ds, (label, media))
            address = URIRef(f"{api}/download?format={form}")
            self._link(made, DCAT.accessURL, self._node(str(address), RDFS.Resource))
            self._link(made, DCAT.downloadURL, address)
        for file in one.files:
            made = self._distribution(node, f"{file.form}-v{file.version}", ds, _form(file.form))
            address = URIRef(f"{node}/files/{file.name}")
            self._link(made, DCAT.accessURL, self._node(str(address), RDFS.Resource))
            self._link(made, DCAT.downloadURL, address)
            self._bytes(made, file)
        rows = self._distribution(node, "rows", ds, ("REST", "application/json"))
        self._link(rows, DCAT.accessURL, self._node(f"{api}/rows", RDFS.Resource))
        service = self._service()
        self._link(rows, DCAT.accessService, service)
        self._link(service, DCAT.servesDataset, node)

    def _distribution(self, node: URIRef, name: str, ds: Dataset, kind: tuple[str, str]) -> URIRef:
        label, media = kind
        made = self._node(f"{node}#{name}", DCAT.Distribution)
        self._link(node, DCAT.distribution, made)
        self.graph.add((made, DCTERMS.title, Literal(f"{_clean(ds.title)} · {label}", lang="zh")))
        form = self._node(f"{_AUTHORITY}file-type/{label}", DCTERMS.MediaTypeOrExtent)
        self.graph.add((form, RDFS.label, Literal(label)))
        self._link(made, DCTERMS["format"], form)
        self._link(made, DCAT.mediaType, self._node(_IANA + media, DCTERMS.MediaType))
        self.graph.add((URIRef(_IANA + media), RDF.type, DCTERMS.MediaTypeOrExtent))
        if ds.data_at:
            self._moment(made, DCTERMS.modified, ds.data_at)
        if ds.licence:
            licence = self._node(
                ds.licence.url or f"{self._site.base}/about#licence-{ds.licence.id}", DCTERMS.LicenseDocument
            )
            self._words(licence, DCTERMS.title, ds.licence.name)
            self._link(made, DCTERMS.license, licence)
        return made

    def _bytes(self, made: URIRef, file: FileFace) -> None:
        self.graph.add((made, DCAT.byteSize, Literal(file.bytes, datatype=XSD.nonNegativeInteger)))
        digest = self._node(f"{made}-sha256", _SPDX.Checksum)
        algorithm = self._node(str(_SPDX.checksumAlgorithm_sha256), _SPDX.ChecksumAlgorithm)
        self._link(digest, _SPDX.algorithm, algorithm)
        self.graph.add((digest, _SPDX.checksumValue, Literal(file.sha256, datatype=XSD.hexBinary)))
        self._link(made, _SPDX.checksum, digest)

    def _covers(self, node: URIRef, ds: Dataset) -> None:
        if ds.region:
            code = ds.region_code or ds.region.zh
            place = self._node(f"{self._site.base}/datasets?{urlencode({'region': code})}", DCTERMS.Location)
            self._words(place, SKOS.prefLabel, ds.region)
            self._link(node, DCTERMS.spatial, place)
        period = period_of(ds.time_span)
        if period:
            time = self._node(f"{node}#time", DCTERMS.PeriodOfTime)
            for predicate, text in ((DCAT.startDate, period.begin), (DCAT.endDate, period.end)):
                if text:
                    self.graph.add((time, predicate, Literal(text, datatype=_TYPED[len(text)])))
            self._link(node, DCTERMS.temporal, time)

    def _extension(self, node: URIRef, one: ExtensionValue) -> None:
        """Say what a declared field holds, typed where its kind has a type."""
        predicate = self._declared[one.field.key]
        if one.field.kind in _KINDS:
            value = str(one.value == "yes").lower() if one.field.kind is FieldKind.YES_NO else one.value
            self.graph.add((node, predicate, Literal(_clean(value), datatype=_KINDS[one.field.kind])))
        else:
            self._words(node, predicate, one.shown)

    def _record(self, node: URIRef, one: Described) -> URIRef:
        record = self._node(f"{node}#record", DCAT.CatalogRecord)
        self._link(record, FOAF.primaryTopic, node)
        if one.dataset.published_at:
            self._moment(record, DCTERMS.issued, one.dataset.published_at)
            self._moment(record, DCTERMS.modified, one.dataset.published_at)
        self._link(record, DCTERMS.conformsTo, self._node(PROFILE, DCTERMS.Standard))
        return record

    def _service(self) -> URIRef:
        base = self._site.base
        service = self._node(f"{base}/api#rows", DCAT.DataService)
        self.graph.add((service, DCTERMS.title, Literal("数据行接口", lang="zh")))
        self.graph.add((service, DCTERMS.title, Literal("Rows as JSON", lang="en")))
        self._link(service, DCAT.endpointURL, self._node(f"{base}/api/v1/datasets", RDFS.Resource))
        self._link(service, DCAT.endpointDescription, self._node(f"{base}/openapi.json", RDFS.Resource))
        return service

    def _agent(self, org_id: str, name: Text) -> URIRef:
        agent = self._node(f"{self._site.base}/departments/{quote(org_id)}", FOAF.Agent)
        self._words(agent, FOAF.name, name)
        return agent

    def _contact(self, node: URIRef, ds: Dataset) -> URIRef:
        contact = self._node(f"{node}#contact", _VCARD.Kind)
        self.graph.add((contact, _VCARD.fn, Literal(_clean(ds.contact or ds.inner_office or ds.provider.zh))))
        return contact

    def _cycle(self, ds: Dataset) -> URIRef:
        found = self._node(f"{_AUTHORITY}frequency/{FREQUENCIES.get(ds.promise.cycle, 'UNKNOWN')}", DCTERMS.Frequency)
        self._words(found, RDFS.label, ds.promise.cycle_name)
        return found

    def _rights(self, kind: OpenType) -> URIRef:
        found = self._node(f"{_AUTHORITY}access-right/{RIGHTS[kind]}", DCTERMS.RightsStatement)
        self._words(found, RDFS.label, kind.text)
        return found

    def _taxonomy(self) -> URIRef:
        scheme = self._node(self._scheme, SKOS.ConceptScheme)
        self.graph.add((scheme, DCTERMS.title, Literal("政务信息资源目录分类", lang="zh")))
        self.graph.add((scheme, DCTERMS.title, Literal("Categories of government information", lang="en")))
        return scheme

    def _languages(self, node: URIRef) -> None:
        self._link(node, DCTERMS.language, self._node(f"{_AUTHORITY}language/ZHO", DCTERMS.LinguisticSystem))

    # The least that all of it is made of

    def _node(self, iri: str, kind: URIRef) -> URIRef:
        node = URIRef(iri)
        self.graph.add((node, RDF.type, kind))
        return node

    def _link(self, node: URIRef, predicate: URIRef, to: URIRef) -> None:
        self.graph.add((node, predicate, to))

    def _words(self, node: URIRef, predicate: URIRef, text: Text) -> None:
        self.graph.add((node, predicate, Literal(_clean(text.zh), lang="zh")))
        if text.en and text.en != text.zh:
            self.graph.add((node, predicate, Literal(_clean(text.en), lang="en")))

    def _moment(self, node: URIRef, predicate: URIRef, at: datetime) -> None:
        self.graph.add((node, predicate, Literal(at.isoformat(timespec="seconds"), datatype=XSD.dateTime)))


def _form(form: str) -> tuple[str, str]:
    return next((label, media) for name, label, media in FORMS if name == form)


def _version(ds: Dataset) -> str:
    return f"{ds.version}.{ds.table_version}" if ds.table_version else str(ds.version)


def _clean(value: str) -> str:
    """Drop the characters that XML 1.0 does not allow: the same words stand in every syntax."""
    return "".join(c for c in value if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))
