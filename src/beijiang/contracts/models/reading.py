"""Reading a contract: every fault with line, column and how to mend it; what is not known is kept and named.

The names and types are those of the JSON schemas of ODCS 3.1.0 and 3.2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from beijiang.contracts.models.contracts import semver
from beijiang.contracts.models.terms import (
    API_VERSIONS,
    DERIVED,
    DIMENSIONS,
    LOGICAL_TYPES,
    METRICS,
    OPERATORS,
    Channel,
    Check,
    CheckType,
    Custom,
    DataObject,
    Definition,
    Field,
    Member,
    Price,
    RoleTerm,
    Server,
    Service,
    Terms,
)
from beijiang.contracts.models.tree import Leaf, Many, Map, plain
from beijiang.contracts.models.walking import Finding, Path, Walker
from beijiang.kit import Invalid, Text

if TYPE_CHECKING:
    from beijiang.contracts.models.tree import Document
    from beijiang.kit.errors import JsonValue

__all__ = ["Finding", "read", "usable"]


_STATUSES: Final = ("proposed", "draft", "active", "deprecated", "retired")
_ELEMENT: Final = {
    "id",
    "name",
    "physicalType",
    "description",
    "businessName",
    "authoritativeDefinitions",
    "tags",
    "customProperties",
    "quality",
    "relationships",
    "logicalType",
    "physicalName",
    "deprecated",
    "synonyms",
}
_OBJECT: Final = _ELEMENT | {"dataGranularityDescription", "properties", "context"}
_FIELD: Final = _ELEMENT | {
    "primaryKey",
    "primaryKeyPosition",
    "logicalTypeOptions",
    "required",
    "unique",
    "partitioned",
    "partitionKeyPosition",
    "classification",
    "encryptedName",
    "transformSourceObjects",
    "transformLogic",
    "transformDescription",
    "examples",
    "criticalDataElement",
    "properties",
    "items",
    "enum",
    "map",
    "semanticType",
}
_ROOT: Final = {
    "version",
    "kind",
    "apiVersion",
    "id",
    "name",
    "tenant",
    "tags",
    "status",
    "servers",
    "dataProduct",
    "description",
    "domain",
    "schema",
    "support",
    "price",
    "team",
    "roles",
    "slaDefaultElement",
    "slaProperties",
    "authoritativeDefinitions",
    "customProperties",
    "contractCreatedTs",
    "context",
}
_OLD_METRICS: Final = {"nullCheck": "nullValues", "duplicateCount": "duplicateValues", "validValues": "invalidValues"}
"""Rules of ODCS 3.0 whose metric has another name since 3.1."""


def read(document: Document) -> tuple[Terms, tuple[Finding, ...]]:
    """Return what a file says and what there is to say of it, faults first."""
    reader = _Reader()
    terms = reader.terms(document.root)
    return terms, tuple(sorted(reader.findings, key=lambda f: (not f.grave, f.line, f.column)))


def usable(document: Document) -> tuple[Terms, tuple[Finding, ...]]:
    """Return what a file says, with what there is to say of it.

    Raises:
        Invalid: it has faults; all of them are in the detail, with line and column.

    """
    terms, findings = read(document)
    faults = [one for one in findings if one.grave]
    if faults:
        first = faults[0]
        more = Text(f"（共 {len(faults)} 处）", f" ({len(faults)} faults)") if len(faults) > 1 else Text("", "")
        raise Invalid(
            f"契约不符合 ODCS：第 {first.line} 行第 {first.column} 列，{first.text.zh}{more.zh}",
            f"The contract is no ODCS: line {first.line}, column {first.column}: {first.text.en}{more.en}",
            code="contract_faulty",
            detail={"faults": [_said(one) for one in faults[:100]]},
        )
    return terms, findings


def _said(one: Finding) -> dict[str, JsonValue]:
    return {"line": one.line, "column": one.column, "path": one.path, "zh": one.text.zh, "en": one.text.en}


class _Reader(Walker):
    """Reads the sections of the standard."""

    def terms(self, root: Map) -> Terms:
        self.unknown(root, (), _ROOT, grave=True)
        about = root.get("description")
        description = about if isinstance(about, Map) else None
        if about is not None and description is None:
            self.say(
                about,
                ("description",),
                "description 应为键值对（purpose、usage、limitations）。",
                "description is a mapping of purpose, usage and limitations.",
            )

        def said(key: str) -> str:
            return "" if description is None else self.words(description, ("description",), key)

        price = root.get("price")
        return Terms(
            api_version=self.api_version(root),
            id=self.words(root, (), "id", needed=True),
            version=self.version(root),
            status=self.status(root),
            name=self.words(root, (), "name"),
            tenant=self.words(root, (), "tenant"),
            domain=self.words(root, (), "domain"),
            data_product=self.words(root, (), "dataProduct"),
            purpose=said("purpose"),
            usage=said("usage"),
            limitations=said("limitations"),
            tags=tuple(str(self.single(n, p)) for n, p in self.many(root, (), "tags")),
            objects=self.objects(root),
            services=tuple(self.each(root, (), "slaProperties", self.service)),
            servers=tuple(self.each(root, (), "servers", self.server)),
            team=self.team(root),
            roles=tuple(self.each(root, (), "roles", self.role)),
            support=tuple(self.each(root, (), "support", self.channel)),
            price=self.price(price, ("price",)) if isinstance(price, Map) else None,
            definitions=self.definitions(root, ()),
            custom=tuple(self.each(root, (), "customProperties", self.custom)),
        )

    # Head

    def api_version(self, root: Map) -> str:
        kind = self.words(root, (), "kind", needed=True)
        node = root.get("kind")
        if node is not None and kind and kind != "DataContract":
            self.say(node, ("kind",), "kind 应为 DataContract。", "kind is DataContract.")
        found = self.words(root, (), "apiVersion", needed=True)
        node = root.get("apiVersion")
        if node is not None and found and found not in API_VERSIONS:
            listed = ", ".join(API_VERSIONS)
            self.say(
                node,
                ("apiVersion",),
                f"不支持 apiVersion“{found[:40]}”，可用：{listed}。",
                f'apiVersion "{found[:40]}" is not read; known: {listed}.',
            )
        return found

    def version(self, root: Map) -> str:
        found = self.words(root, (), "version", needed=True)
        node = root.get("version")
        if node is not None and found and semver(found) is None:
            self.say(
                node, ("version",), f"版本“{found[:40]}”应写成 1.2.0。", f'Write the version "{found[:40]}" as 1.2.0.'
            )
        return found

    def status(self, root: Map) -> str:
        version = root.get("apiVersion")
        free = isinstance(version, Leaf) and version.value == "v3.2.0"  # which needs none any more
        found = self.words(root, (), "status", needed=not free)
        node = root.get("status")
        if node is not None and found and found not in _STATUSES:
            listed = ", ".join(_STATUSES)
            self.say(
                node,
                ("status",),
                f"状态“{found[:40]}”不在标准之列（{listed}），已保留。",
                f'The status "{found[:40]}" is none of the standard ({listed}); it is kept.',
                grave=False,
            )
        return found

    # Schema

    def objects(self, root: Map) -> tuple[DataObject, ...]:
        found = tuple(self.each(root, (), "schema", self.object))
        names: set[str] = set()
        for one in found:
            if one.name in names:
                place = one.path[1]
                node = root.get("schema")
                at = node.items[place] if isinstance(node, Many) and isinstance(place, int) else root
                self.say(at, one.path, f"对象“{one.name[:60]}”重复。", f'The object "{one.name[:60]}" is there twice.')
            names.add(one.name)
        return found

    def object(self, at: Map, path: Path) -> DataObject:
        self.unknown(at, path, _OBJECT)
        return DataObject(
            path=path,
            name=self.words(at, path, "name", needed=True),
            physical_name=self.words(at, path, "physicalName"),
            physical_type=self.words(at, path, "physicalType"),
            business_name=self.words(at, path, "businessName"),
            description=self.words(at, path, "description"),
            fields=self.fields(at, path),
            checks=tuple(self.each(at, path, "quality", self.check)),
            relationships=self.relationships(at, path),
        )

    def fields(self, at: Map, path: Path) -> tuple[Field, ...]:
        found = tuple(self.each(at, path, "properties", self.field))
        names: set[str] = set()
        for one in found:
            if one.name and one.name in names:
                self.say(
                    at, one.path, f"属性“{one.name[:60]}”重复。", f'The property "{one.name[:60]}" is there twice.'
                )
            names.add(one.name)
        return found

    def field(self, at: Map, path: Path, *, nameless: bool = False) -> Field:
        self.unknown(at, path, _FIELD)
        logical = self.words(at, path, "logicalType")
        node = at.get("logicalType")
        if node is not None and logical and logical not in LOGICAL_TYPES:
            listed = ", ".join(LOGICAL_TYPES)
            self.say(
                node,
                (*path, "logicalType"),
                f"logicalType“{logical[:40]}”应为：{listed}。",
                f'logicalType "{logical[:40]}" is one of {listed}.',
            )
        options, items = at.get("logicalTypeOptions"), at.get("items")
        parts = self.fields(at, path)
        if isinstance(items, Map):
            parts = (*parts, self.field(items, (*path, "items"), nameless=True))
        pair = at.get("map")
        if isinstance(pair, Map):
            sides = [(key, node) for key in ("key", "value") if isinstance(node := pair.get(key), Map)]
            parts = (*parts, *(self.field(node, (*path, "map", key), nameless=True) for key, node in sides))
        said = plain(options) if isinstance(options, Map) else {}
        return Field(
            path=path,
            name=self.words(at, path, "name", needed=not nameless),
            physical_name=self.words(at, path, "physicalName"),
            logical_type=logical,
            physical_type=self.words(at, path, "physicalType"),
            options=said if isinstance(said, dict) else {},
            required=self.flag(at, path, "required"),
            unique=self.flag(at, path, "unique"),
            primary_key=self.flag(at, path, "primaryKey"),
            key_position=self.whole(at, path, "primaryKeyPosition", -1),
            classification=self.words(at, path, "classification"),
            critical=self.flag(at, path, "criticalDataElement"),
            business_name=self.words(at, path, "businessName"),
            description=self.words(at, path, "description"),
            definitions=self.definitions(at, path),
            checks=tuple(self.each(at, path, "quality", self.check)),
            parts=parts,
            relationships=self.relationships(at, path),
            allowed=tuple(self.each(at, path, "enum", self.allowed)),
            derived=self.words(at, path, "semanticType") in DERIVED,
        )

    def allowed(self, at: Map, path: Path) -> JsonValue:
        self.unknown(
            at, path, {"value", "label", "id", "description", "customProperties", "authoritativeDefinitions", "tags"}
        )
        if at.get("value") is None:
            self.say(at, path, "enum 的取值缺少 value。", "A value of the enum lacks its value.")
        return plain(at.get("value"))

    def relationships(self, at: Map, path: Path) -> tuple[str, ...]:
        """Return what the values refer to; several columns together are one relationship."""
        found = []
        for node, where in self.many(at, path, "relationships"):
            to = node.get("to") if isinstance(node, Map) else None
            if to is None:
                self.say(node, where, "关系缺少 to。", "The relationship lacks its to.")
                continue
            said = plain(to)
            found.append(", ".join(str(one) for one in said) if isinstance(said, list) else str(said))
        return tuple(found)

    def definitions(self, at: Map, path: Path) -> tuple[Definition, ...]:
        return tuple(self.each(at, path, "authoritativeDefinitions", self.definition))

    def definition(self, at: Map, path: Path) -> Definition:
        self.unknown(at, path, {"id", "url", "type", "description"})
        return Definition(
            self.words(at, path, "url", needed=True),
            self.words(at, path, "type", needed=True),
            self.words(at, path, "description"),
        )

    def custom(self, at: Map, path: Path) -> Custom:
        self.unknown(at, path, {"id", "property", "value", "description", "vendor"})
        return Custom(self.words(at, path, "property", needed=True), plain(at.get("value")))

    # Quality

    def check(self, at: Map, path: Path) -> Check:
        metric = self.words(at, path, "metric") or self.words(at, path, "rule")
        kind = self.kind(at, path, metric)
        operator, bounds = self.operator(at, path, kind)
        dimension = self.words(at, path, "dimension")
        node = at.get("dimension")
        if node is not None and dimension and dimension not in DIMENSIONS:
            listed = ", ".join(DIMENSIONS)
            self.say(node, (*path, "dimension"), f"dimension 应为：{listed}。", f"dimension is one of {listed}.")
        if kind is CheckType.SQL:
            self.words(at, path, "query", needed=True)
        if kind is CheckType.CUSTOM:
            self.words(at, path, "engine", needed=True)
        arguments = at.get("arguments")
        said = plain(arguments) if isinstance(arguments, Map) else {}
        if isinstance(said, dict) and metric == "validValues" and at.get("validValues") is not None:
            said = {**said, "validValues": plain(at.get("validValues"))}
        implementation = at.get("implementation")
        return Check(
            path=path,
            type=kind,
            metric=_OLD_METRICS.get(metric, metric),
            name=self.words(at, path, "name"),
            description=self.words(at, path, "description"),
            dimension=dimension,
            severity=self.words(at, path, "severity"),
            unit=self.words(at, path, "unit"),
            operator=operator,
            bounds=bounds,
            arguments=said if isinstance(said, dict) else {},
            query=self.words(at, path, "query"),
            engine=self.words(at, path, "engine"),
            implementation=str(implementation.value) if isinstance(implementation, Leaf) else "",
        )

    def kind(self, at: Map, path: Path, metric: str) -> CheckType:
        """Return how a rule is written; without a word it is of the library."""
        words = self.words(at, path, "type") or CheckType.LIBRARY.value
        node = at.get("type")
        if words not in {kind.value for kind in CheckType}:
            listed = ", ".join(kind.value for kind in CheckType)
            self.say(
                node or at,
                (*path, "type"),
                f"质量规则的 type 应为：{listed}。",
                f"The type of a quality rule is one of {listed}.",
            )
            return CheckType.TEXT
        kind = CheckType(words)
        if kind is CheckType.LIBRARY and not metric and node is not None:
            self.say(
                at,
                path,
                f"library 规则缺少 metric（{', '.join(METRICS)}）。",
                f"A library rule lacks its metric ({', '.join(METRICS)}).",
            )
        named = at.get("metric")
        if named is not None and metric and metric not in METRICS:
            self.say(
                named,
                (*path, "metric"),
                f"metric 应为：{', '.join(METRICS)}。",
                f"metric is one of {', '.join(METRICS)}.",
            )
        return kind

    def operator(self, at: Map, path: Path, kind: CheckType) -> tuple[str, tuple[float, ...]]:
        named = [name for name in OPERATORS if at.get(name) is not None]
        if len(named) > 1:
            self.say(
                at,
                path,
                f"一条规则只写一个比较：{'、'.join(named)}。",
                f"A rule has one comparison: {', '.join(named)}.",
            )
        if not named:
            if kind is CheckType.SQL or at.get("metric") is not None:
                self.say(
                    at,
                    path,
                    "规则没有写应达到的值，如 mustBe: 0。",
                    "The rule does not say what it must come to, as mustBe: 0.",
                )
            return "", ()
        name, node = named[0], at.get(named[0])
        value = plain(node)
        values = value if isinstance(value, list) else [value]
        wanted = 2 if name.endswith("Between") else 1
        numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) != wanted or len(values) != wanted:
            free = wanted == 1 and name in {"mustBe", "mustNotBe"} and not isinstance(value, list | dict)
            if not free:
                zh = f"{name} 应为{'两个数 [小, 大]' if wanted > 1 else '一个数'}。"
                self.say(
                    node or at,
                    (*path, name),
                    zh,
                    f"{name} is {'two numbers [low, high]' if wanted > 1 else 'a number'}.",
                )
            return name, ()
        return name, tuple(numbers)

    # The rest

    def service(self, at: Map, path: Path) -> Service:
        known = {
            "id",
            "property",
            "value",
            "valueExt",
            "unit",
            "element",
            "driver",
            "description",
            "scheduler",
            "schedule",
        }
        self.unknown(at, path, known | {"customProperties", "authoritativeDefinitions"})
        value = at.get("value")
        if value is None:
            self.say(at, path, "slaProperties 缺少 value。", "A level of service lacks its value.")
        return Service(
            path=path,
            property=self.words(at, path, "property", needed=True),
            value=None if value is None else self.single(value, (*path, "value")),
            unit=self.words(at, path, "unit"),
            element=self.words(at, path, "element"),
            driver=self.words(at, path, "driver"),
            description=self.words(at, path, "description"),
        )

    def server(self, at: Map, path: Path) -> Server:
        return Server(
            self.words(at, path, "server", needed=True),
            self.words(at, path, "type", needed=True),
            self.words(at, path, "environment"),
            self.words(at, path, "description"),
        )

    def team(self, root: Map) -> tuple[Member, ...]:
        node = root.get("team")
        if isinstance(node, Map):
            return tuple(self.each(node, ("team",), "members", self.member))
        return tuple(self.each(root, (), "team", self.member))

    def member(self, at: Map, path: Path) -> Member:
        return Member(
            self.words(at, path, "username", needed=True),
            self.words(at, path, "name"),
            self.words(at, path, "role"),
            self.words(at, path, "dateIn"),
            self.words(at, path, "dateOut"),
        )

    def role(self, at: Map, path: Path) -> RoleTerm:
        known = {
            "id",
            "role",
            "description",
            "access",
            "firstLevelApprovers",
            "secondLevelApprovers",
            "customProperties",
        }
        self.unknown(at, path, known)
        return RoleTerm(
            self.words(at, path, "role", needed=True),
            self.words(at, path, "access"),
            self.words(at, path, "firstLevelApprovers"),
            self.words(at, path, "secondLevelApprovers"),
            self.words(at, path, "description"),
        )

    def channel(self, at: Map, path: Path) -> Channel:
        return Channel(
            self.words(at, path, "channel", needed=True),
            self.words(at, path, "tool"),
            self.words(at, path, "url"),
            self.words(at, path, "scope"),
            self.words(at, path, "description"),
        )

    def price(self, at: Map, path: Path) -> Price:
        amount = at.get("priceAmount")
        value = None if amount is None else self.single(amount, (*path, "priceAmount"))
        if amount is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            self.say(amount, (*path, "priceAmount"), "priceAmount 应为数。", "priceAmount is a number.")
            value = None
        said: Mapping[str, str] = {key: self.words(at, path, key) for key in ("priceCurrency", "priceUnit")}
        return Price(None if value is None else float(value), said["priceCurrency"], said["priceUnit"])
