"""The actions that read the catalog: site, packages, resources, departments, themes, tags, licences. Rows are in ``datastore``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from beijiang import __version__
from beijiang.access import Permission
from beijiang.catalog import AllOf, Everything, Facet, Has, Mark, Named, Order, Picked, PickPage, PickQuery, Unlike
from beijiang.kit import ANONYMOUS, Actor, BeijiangError, Denied, Invalid, NotFound, Refused, Text
from beijiang.opendata.ckan import dicts, lucene
from beijiang.opendata.ckan.parameters import Parameters, wrong

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog import Catalog, Wanted
    from beijiang.kit import Clock
    from beijiang.settings import Settings
    from beijiang.standards import Standards

__all__ = ["CKAN_VERSION", "PackageReads", "not_found"]

CKAN_VERSION: Final = "2.10.4"
"""What clients take us for; they choose their ways by it."""
MOST: Final = 1_000
EVERY: Final = 20_000
ALL: Final = 1_000_000
LOOKED_AT: Final = 20_000
"""Packages whose resources are looked at one by one at most."""
PAGE: Final = 1_000
SEARCH_WORDS: Final = frozenset(
    [
        "q",
        "fq",
        "fq_list",
        "sort",
        "start",
        "rows",
        "facet",
        "facet.field",
        "facet.limit",
        "facet.mincount",
        "include_private",
        "include_drafts",
        "include_deleted",
        "use_default_schema",
        "fl",
        "df",
        "q.op",
        "bf",
        "boost",
        "qf",
        "defType",
        "tie",
        "mm",
        "wt",
        "site_id",
        "callback",
    ]
)
FACETS: Final[Mapping[str, tuple[Facet | Mark, Text]]] = {
    "organization": (Facet.DEPARTMENT, Text("机构", "Organizations")),
    "groups": (Facet.THEME, Text("主题", "Groups")),
    "tags": (Mark.TAG, Text("标签", "Tags")),
    "res_format": (Facet.FORMAT, Text("格式", "Formats")),
    "license_id": (Mark.LICENCE, Text("许可", "Licenses")),
    "owner_org": (Facet.DEPARTMENT, Text("机构", "Organizations")),
}
_SORTS: Final = {
    "score": Order.SCORE,
    "relevance": Order.SCORE,
    "name": Order.ID,
    "id": Order.ID,
    "title": Order.TITLE,
    "title_string": Order.TITLE,
    "metadata_created": Order.CREATED,
    "metadata_modified": Order.MODIFIED,
    "views_recent": Order.SCORE,
}
_SCORE_WAYS: Final = ("asc", "desc")
_SEARCHED: Final = ("name", "title", "notes", "description", "url", "format", "hash", "mimetype", "package_id", "id")


def not_found(what: str) -> NotFound:
    """Return the one answer to what is unknown and what is hidden."""
    return NotFound(
        f"没有这个{_KINDS.get(what, Text('对象', what)).zh}。",
        f"{_KINDS.get(what, Text('', what)).en} was not found.",
        code="unknown",
    )


_KINDS: Final = {
    "package": Text("数据集", "Dataset"),
    "resource": Text("资源", "Resource"),
    "organization": Text("机构", "Organization"),
    "group": Text("主题", "Group"),
    "tag": Text("标签", "Tag"),
    "vocabulary": Text("词表", "Vocabulary"),
    "user": Text("用户", "User"),
}


class PackageReads:
    """Reading the catalog as CKAN's clients do. What is not published is there for who may see it, and only if asked for."""

    def __init__(
        self, catalog: Catalog, standards: Standards, access: Access, clock: Clock, settings: Settings
    ) -> None:
        self._catalog = catalog
        self._standards = standards
        self._access = access
        self._clock = clock
        self._settings = settings

    @property
    def base(self) -> str:
        """Return the address of the site, without a slash at its end."""
        return self._settings.public_url.rstrip("/")

    # Site

    def site_read(self, actor: Actor, _: Parameters) -> bool:
        """Tell that the API is there."""
        self._ask(actor)
        return True

    def status_show(self, actor: Actor, _: Parameters) -> dict[str, Any]:
        """Return what the site is."""
        self._ask(actor)
        return {
            "site_title": f"{self._settings.region_name} · 公共数据开放",
            "site_description": f"beijiang {__version__}",
            "site_url": self.base,
            "ckan_version": CKAN_VERSION,
            "error_emails_to": None,
            "locale_default": "zh_Hans_CN",
            "extensions": [],
        }

    # Packages

    def package_list(self, actor: Actor, asked: Parameters) -> list[str]:
        """Return the names of the published packages, in order."""
        self._ask(actor)
        size = min(asked.number("limit", ALL), ALL)
        query = PickQuery(order=Order.ID, start=asked.number("offset", 0), size=size, bare=True)
        return list(self._pick(query).ids)

    def current_package_list_with_resources(self, actor: Actor, asked: Parameters) -> list[dict[str, Any]]:
        """Return packages with all that belongs to them, the latest changed first."""
        self._ask(actor)
        size = min(asked.number("limit", 10), PAGE)
        query = PickQuery(order=Order.MODIFIED, descending=True, start=asked.number("offset", 0), size=size)
        return self._packages(self._pick(query).entries)

    def package_show(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Return one package by id or name, which are the same word.

        Raises:
            NotFound: unknown, or hidden from this reader.

        """
        self._ask(actor)
        return self._packages([self._one(actor, asked.text("id") or asked.needed("name_or_id"))])[0]

    def package_search(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Find packages by the query language, with facets.

        Raises:
            Invalid: a query that is not understood, an unknown parameter, order or facet.

        """
        self._ask(actor)
        asked.only(SEARCH_WORDS)
        wanted = self._wanted(asked)
        order, descending, spelled = _order(asked.text("sort"))
        fields = self._facet_fields(asked)
        query = PickQuery(
            wanted=wanted,
            order=order,
            descending=descending,
            start=asked.number("start", 0),
            size=min(asked.number("rows", 10), PAGE),
            counted=tuple(dict.fromkeys(FACETS[field][0] for field in fields if field in FACETS)),
            values=_facet_limit(asked),
        )
        inner = asked.flag("include_private") or asked.flag("include_drafts")
        page = self._catalog.pick(actor if inner else ANONYMOUS, query)
        results = self._packages(page.entries)
        if "fl" in asked:
            kept = set(asked.texts("fl"))
            results = [{key: value for key, value in one.items() if key in kept} for one in results]
        least = asked.number("facet.mincount", 1)
        facets = {field: self._facet(field, page, max(1, least)) for field in fields}
        return {
            "count": page.total,
            "sort": spelled,
            "facets": {field: {item["name"]: item["count"] for item in items} for field, items in facets.items()},
            "search_facets": {
                field: {"title": FACETS[field][1].zh if field in FACETS else field, "items": items}
                for field, items in facets.items()
            },
            "results": results,
        }

    def _wanted(self, asked: Parameters) -> Wanted:
        now = self._clock.now()
        texts = [asked.text("q", "*:*"), *asked.texts_apart("fq"), *asked.texts_apart("fq_list")]
        parts = [found for text in texts if not isinstance(found := lucene.read(text, now), Everything)]
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts)) if parts else Everything()

    def _facet_fields(self, asked: Parameters) -> list[str]:
        if not asked.flag("facet", default=True):
            return []
        return list(dict.fromkeys(asked.texts("facet.field")))[:20]

    def _facet(self, field: str, page: PickPage, least: int) -> list[dict[str, Any]]:
        if field not in FACETS:
            return []
        counts = [(value, count) for value, count in page.counts[FACETS[field][0]] if count >= least]
        named = self._namer(FACETS[field][0], [value for value, _ in counts])
        return [{"name": value, "display_name": named(value), "count": count} for value, count in counts]

    def _namer(self, of: Facet | Mark, values: Sequence[str]) -> Callable[[str], str]:
        names: Mapping[str, str] = {}
        if of is Facet.DEPARTMENT:
            names = {org: text.zh for org, text in self._departments(values).items()}
        elif of is Facet.THEME:
            names = {code: self._theme(code).zh for code in values}
        elif of is Mark.LICENCE:
            names = {one.id: one.name.zh for one in self._standards.licences()}
        return lambda value: names.get(value, value)

    def package_autocomplete(self, actor: Actor, asked: Parameters) -> list[dict[str, Any]]:
        """Return packages whose names hold a text."""
        self._ask(actor)
        text = asked.text("q") or asked.needed("incomplete")
        limit = min(asked.number("limit", 10), 100)
        page = self._pick(PickQuery(wanted=lucene.name_holds(text), size=limit))
        return [
            {"name": one.id, "title": one.entry.name, "match_field": "title", "match_displayed": one.entry.name}
            for one in page.entries
        ]

    def package_activity_list(self, actor: Actor, asked: Parameters) -> list[Any]:
        """Return nothing for a package that is there: who did what stands in the evidence, not here."""
        self._ask(actor)
        self._one(actor, asked.needed("id"))
        return []

    def recently_changed_packages_activity_list(self, actor: Actor, _: Parameters) -> list[Any]:
        """Return nothing, as ``package_activity_list`` does."""
        self._ask(actor)
        return []

    # Resources

    def resource_show(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Return one file, API or link of a package."""
        self._ask(actor)
        wanted = asked.needed("id")
        package_id, kind = dicts.parts(wanted)
        try:
            found = self._one(actor, package_id)
        except NotFound:
            raise not_found("resource") from None
        for one in self._packages([found])[0]["resources"]:
            if one["id"] in {wanted, f"{package_id}-{kind}"}:
                return dict(one)
        raise not_found("resource")

    def resource_search(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Return resources by ``field:term``; the packages are found by the index, their resources then looked at.

        Raises:
            Invalid: a field that no resource has, or a term of another form.

        """
        self._ask(actor)
        query = asked.json("query") if str(asked.raw("query")).startswith("[") else asked.raw("query")
        terms = [_term(one) for one in ([query] if isinstance(query, str) else query or [])]
        if not terms:
            raise wrong("query", "缺少参数 query。", "Missing value", "missing_field")
        limit, offset = min(asked.number("limit", PAGE), PAGE), asked.number("offset", 0)
        wanted = AllOf(tuple(_narrowed(*term) for term in terms))
        found = [one for one in self._resources_of(wanted) if _fits(one, terms)]
        order = asked.text("order_by")
        if order:
            found.sort(key=lambda one: str(one.get(order) or ""))
        return {"count": len(found), "results": found[offset : offset + limit]}

    def _resources_of(self, wanted: Wanted) -> Iterator[Mapping[str, Any]]:
        for start in range(0, LOOKED_AT, PAGE):
            page = self._pick(PickQuery(wanted=wanted, order=Order.ID, start=start, size=PAGE))
            if page.total > LOOKED_AT:
                raise Refused(
                    f"要逐个查看的数据集超过 {LOOKED_AT} 个，请加上 name: 或 id: 缩小范围，或改用 package_search。",
                    f"More than {LOOKED_AT} datasets would be looked at; narrow by name: or id:, or use package_search.",
                    code="search_too_wide",
                )
            for package in self._packages(page.entries):
                yield from package["resources"]
            if start + PAGE >= page.total:
                break

    def resource_view_list(self, actor: Actor, asked: Parameters) -> list[Any]:
        """Return the views of a resource: none; the pages of the portal show them."""
        self.resource_show(actor, asked)
        return []

    # Departments and themes

    def organization_list(self, actor: Actor, asked: Parameters) -> list[Any]:
        """Return the departments that have published something."""
        return self._bodies(actor, asked, Facet.DEPARTMENT)

    def group_list(self, actor: Actor, asked: Parameters) -> list[Any]:
        """Return the themes that have something."""
        return self._bodies(actor, asked, Facet.THEME)

    def organization_show(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Return one department."""
        return self._body(actor, asked, Facet.DEPARTMENT)

    def group_show(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Return one theme."""
        return self._body(actor, asked, Facet.THEME)

    def organization_autocomplete(self, actor: Actor, asked: Parameters) -> list[dict[str, Any]]:
        """Return departments whose id or name holds a text."""
        return self._completed(actor, asked, Facet.DEPARTMENT)

    def group_autocomplete(self, actor: Actor, asked: Parameters) -> list[dict[str, Any]]:
        """Return themes whose id or name holds a text."""
        return self._completed(actor, asked, Facet.THEME)

    def organization_list_for_user(self, actor: Actor, _: Parameters) -> list[dict[str, Any]]:
        """Return the department of who asks, if there is one."""
        self._ask(actor)
        if actor.org_id is None:
            return []
        named = self._departments([actor.org_id])
        return [dicts.body(org, name, None, is_organization=True) for org, name in named.items()]

    def _listed(self, facet: Facet) -> list[tuple[str, Text, int]]:
        """Return the departments or themes of what is published: id, name, number of packages."""
        counts = self._pick(PickQuery(size=0, counted=(facet,), values=EVERY)).counts[facet]
        names = self._named(facet, [value for value, _ in counts])
        return [(value, names[value], count) for value, count in counts if value in names]

    def _bodies(self, actor: Actor, asked: Parameters, facet: Facet) -> list[Any]:
        self._ask(actor)
        whole = asked.flag("all_fields")
        limit, start = asked.number("limit", 25 if whole else MOST), asked.number("offset", 0)
        listed = self._listed(facet)
        only = asked.texts("organizations" if facet is Facet.DEPARTMENT else "groups")
        if only:
            listed = [one for one in listed if one[0] in only]
        word, _, way = (asked.text("sort") or asked.text("order_by") or "name asc").partition(" ")
        keys: Mapping[str, Callable[[tuple[str, Text, int]], Any]] = {
            "name": lambda one: one[0],
            "title": lambda one: one[1].zh,
            "package_count": lambda one: one[2],
            "packages": lambda one: one[2],
        }
        if word not in keys or way.strip() not in {"", "asc", "desc"}:
            raise wrong("sort", "可按 name、title、package_count 排序。", "Sort by name, title or package_count")
        listed.sort(key=keys[word], reverse=way.strip() == "desc")
        listed = listed[start : start + limit]
        if not whole:
            return [id_ for id_, _, _ in listed]
        with_count = asked.flag("include_dataset_count", default=True)
        more: dict[str, list[Any]] = {name: [] for name in ("extras", "users", "tags") if asked.flag(f"include_{name}")}
        own = facet is Facet.DEPARTMENT
        return [dicts.body(i, t, n if with_count else None, is_organization=own) | more for i, t, n in listed]

    def _body(self, actor: Actor, asked: Parameters, facet: Facet) -> dict[str, Any]:
        self._ask(actor)
        id_ = asked.needed("id")
        page = self._pick(
            PickQuery(
                wanted=Has(facet, frozenset({id_})) if not set("*?") & set(id_) else Unlike(Everything()),
                order=Order.MODIFIED,
                descending=True,
                size=MOST if asked.flag("include_datasets") else 0,
            )
        )
        own = facet is Facet.DEPARTMENT
        if not page.total:
            raise not_found("organization" if own else "group")
        name = self._named(facet, [id_])[id_]
        found = dicts.body(id_, name, page.total, is_organization=own)
        return {**found, "users": [], "groups": [], "tags": [], "extras": [], "packages": self._packages(page.entries)}

    def _completed(self, actor: Actor, asked: Parameters, facet: Facet) -> list[dict[str, Any]]:
        self._ask(actor)
        text, limit = asked.text("q").lower(), min(asked.number("limit", 20), 100)
        fits = [(i, t) for i, t, _ in self._listed(facet) if text in i or text in t.zh.lower() or text in t.en.lower()]
        return [{"id": id_, "name": id_, "title": title.zh} for id_, title in fits[:limit]]

    # Tags, licences, vocabularies, people

    def tag_list(self, actor: Actor, asked: Parameters) -> list[Any]:
        """Return the tags of what is published."""
        self._ask(actor)
        if asked.text("vocabulary_id"):
            raise not_found("vocabulary")
        words = self._tags(asked.text("query"))
        return [dicts.tag(word) for word in words] if asked.flag("all_fields") else words

    def tag_show(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Return one tag of something published."""
        self._ask(actor)
        word = asked.needed("id")
        if set("*?") & set(word) or not self._pick(PickQuery(wanted=Has(Mark.TAG, frozenset({word})), size=0)).total:
            raise not_found("tag")
        return dicts.tag(word)

    def tag_search(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Return tags that hold a text."""
        self._ask(actor)
        words = self._tags(" ".join(asked.texts("query")))
        start, limit = asked.number("offset", 0), asked.number("limit", MOST)
        return {"count": len(words), "results": [dicts.tag(word) for word in words[start : start + limit]]}

    def tag_autocomplete(self, actor: Actor, asked: Parameters) -> list[str]:
        """Return tags that hold a text, as words."""
        self._ask(actor)
        text = asked.text("q") or asked.text("query") or asked.text("incomplete")
        return self._tags(text)[: asked.number("limit", 10)]

    def format_autocomplete(self, actor: Actor, asked: Parameters) -> list[str]:
        """Return formats that begin with a text."""
        self._ask(actor)
        text = (asked.text("q") or asked.text("incomplete")).lower()
        counts = self._pick(PickQuery(size=0, counted=(Facet.FORMAT,), values=EVERY)).counts[Facet.FORMAT]
        return [value for value, _ in counts if text in value.lower()][: asked.number("limit", 5)]

    def _tags(self, text: str) -> list[str]:
        counts = self._pick(PickQuery(size=0, counted=(Mark.TAG,), values=EVERY)).counts[Mark.TAG]
        return sorted(word for word, _ in counts if text.lower() in word.lower())

    def license_list(self, actor: Actor, _: Parameters) -> list[dict[str, Any]]:
        """Return the terms on which data are offered."""
        self._ask(actor)
        return [dicts.licence(one) for one in self._standards.licences()]

    def vocabulary_list(self, actor: Actor, _: Parameters) -> list[Any]:
        """Return the vocabularies: tags are free here, so there is none."""
        self._ask(actor)
        return []

    def vocabulary_show(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Say that there is no such vocabulary."""
        self._ask(actor)
        asked.needed("id")
        raise not_found("vocabulary")

    def user_show(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Return who asks; nobody sees others here."""
        self._ask(actor)
        wanted = asked.text("id") or actor.id
        if actor.is_anonymous or wanted not in {actor.id, actor.name}:
            raise not_found("user")
        return _user(actor)

    def user_list(self, actor: Actor, _: Parameters) -> list[dict[str, Any]]:
        """Return who asks, for somebody with a key."""
        self._ask(actor)
        if actor.is_anonymous:
            raise Denied("请携带密钥。", "Send a key to see yourself", code="unauthenticated")
        return [_user(actor)]

    def described(self, found: Picked) -> dict[str, Any]:
        """Return an entry that is known already as a dataset."""
        return self._packages([found])[0]

    # Inside

    def _ask(self, actor: Actor) -> None:
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)

    def _pick(self, query: PickQuery) -> PickPage:
        return self._catalog.pick(ANONYMOUS, query)

    def _one(self, actor: Actor, name: str) -> Picked:
        """Return one package: as published if it is, else as it is being compiled for who may see that."""
        if set("*?") & set(name):
            raise not_found("package")
        query = PickQuery(wanted=Named(frozenset({name})), order=Order.ID, size=2)
        found = self._pick(query).entries
        if not found and not actor.is_anonymous:
            found = self._catalog.pick(actor, query).entries
        if not found:
            raise not_found("package")
        return found[0]

    def _packages(self, found: Sequence[Picked]) -> list[dict[str, Any]]:
        names = dicts.Names(
            base=self.base,
            departments=self._departments(list({one.entry.provider_id for one in found})),
            themes={code[:3]: self._theme(code[:3]) for one in found for code in one.entry.categories},
            licences={one.id: one for one in self._standards.licences()},
        )
        return [dicts.package(one, names) for one in found]

    def _named(self, facet: Facet, ids: Sequence[str]) -> Mapping[str, Text]:
        if facet is Facet.DEPARTMENT:
            known = self._departments(ids)
            return {id_: known.get(id_, Text(id_, id_)) for id_ in ids}
        return {code: self._theme(code) for code in ids}

    def _departments(self, ids: Sequence[str]) -> Mapping[str, Text]:
        """Return the names of departments; they have no verb that changes them, and one statement fetches all."""
        if not ids:
            return {}
        wanted = set(ids)
        return {
            one.id: Text(one.name_zh, one.name_en or one.name_zh)
            for one in self._access.organisations()
            if one.id in wanted
        }

    def _theme(self, code: str) -> Text:
        try:
            return self._standards.category(code).plain
        except (NotFound, BeijiangError):
            return Text(code, code)


def _user(actor: Actor) -> dict[str, Any]:
    return {"id": actor.id, "name": actor.id, "display_name": actor.name, "state": "active", "sysadmin": False}


def _order(text: str) -> tuple[Order, bool, str]:
    """Read a sort order; the first field decides, for every order here is total."""
    spelled = text.strip() or "score desc, metadata_modified desc"
    chosen: list[tuple[Order, bool]] = []
    for part in spelled.split(","):
        word, _, way = part.strip().partition(" ")
        way = way.strip().lower() or "asc"
        if word not in _SORTS or way not in _SCORE_WAYS:
            raise Invalid(
                f"不能这样排序。可用：{'、'.join(_SORTS)}，asc 或 desc。",
                f"There is no such order. Sort by {', '.join(_SORTS)}, asc or desc.",
                code=lucene.BAD_QUERY,
                detail={"field": "sort"},
            )
        chosen.append((_SORTS[word], way == "desc"))
    return (*chosen[0], spelled)


def _facet_limit(asked: Parameters) -> int:
    limit = asked.number("facet.limit", 50, low=-1)
    return MOST if limit < 0 else min(limit, MOST)


def _term(text: Any) -> tuple[str, str]:
    field, mark, word = str(text).partition(":")
    if not mark or field not in _SEARCHED:
        raise wrong(
            "query",
            f"应写作 字段:词，字段为 {'、'.join(_SEARCHED)}。",
            f"Write field:term with one of {', '.join(_SEARCHED)}",
        )
    return field, word.strip().lower()


def _narrowed(field: str, word: str) -> Wanted:
    """Return a condition of packages that every fitting resource's package meets."""
    if field in {"id", "package_id"}:
        return Named(frozenset({dicts.parts(word)[0]}))
    if field in {"name", "title"}:
        return lucene.name_holds(word)
    return Everything()


def _fits(resource: Mapping[str, Any], terms: Sequence[tuple[str, str]]) -> bool:
    for field, word in terms:
        value = str(resource.get("description" if field == "notes" else field) or "").lower()
        if not value.startswith(word) if field == "hash" else word not in value:
            return False
    return True
