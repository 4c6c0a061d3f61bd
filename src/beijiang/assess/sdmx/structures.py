"""Write structures as SDMX-ML 2.1: dataflows, their structures, code lists and concepts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.assess.models import OpenFigure

__all__ = ["AGENCY", "COM", "KINDS", "MES", "SPACE", "Wanted", "clean", "names_of", "structure"]

AGENCY: Final = "BEIJIANG"
KINDS: Final = ("dataflow", "datastructure", "codelist", "conceptscheme")
RELATED: Final = frozenset({"all", "children", "descendants", "parentsandsiblings"})
PARENTS: Final = frozenset({"all", "parents", "parentsandsiblings"})
SPACE: Final = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/"
MES, _STR, COM = (f"{{{SPACE}{name}}}" for name in ("message", "structure", "common"))
_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_SCHEME: Final = "CS_FIGURES"
_CONCEPTS: Final = {
    "FREQ": Text("频率", "Frequency"),
    "REF_AREA": Text("地区（GB/T 2260）", "Area (GB/T 2260)"),
    "BREAKDOWN": Text("分组", "Breakdown"),
    "TIME_PERIOD": Text("期间", "Period"),
    "OBS_VALUE": Text("数值", "Value"),
    "OBS_STATUS": Text("数值状态", "Status of the value"),
    "UNIT_MEASURE": Text("计量单位", "Unit of measure"),
}
_FREQ: Final = {"A": Text("年度", "Annual"), "M": Text("月度", "Monthly"), "Q": Text("季度", "Quarterly")}
_STATUS: Final = {
    "A": Text("正式", "Normal value"),
    "C": Text("保密", "Confidential value"),
    "E": Text("估计（快报）", "Estimated value"),
    "M": Text("缺失", "Missing value"),
    "P": Text("初步", "Provisional value"),
}
for _prefix, _space in (("mes", MES), ("str", _STR), ("com", COM)):
    ET.register_namespace(_prefix, _space[1:-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which structures: of a kind, one or all of them, with what belongs to them."""

    kind: str
    id: str = "all"
    agency: str = "all"
    version: str = "latest"
    references: str = "none"

    def means(self, id_: str, version: str) -> bool:
        """Tell whether a structure is meant."""
        named = self.id == "all" or id_ in self.id.split("+")
        return named and self.agency in {"all", AGENCY} and self.version in {"all", "latest", "*", "+", version}


@dataclass(frozen=True, slots=True)
class _List:
    id: str
    name: Text
    codes: Mapping[str, Text]
    version: str = "1.0"


def names_of(flow: OpenFigure, areas: Mapping[str, str]) -> dict[str, Mapping[str, Text]]:
    """Return the codes and names of the dimensions and attributes of a dataflow."""
    return {
        "FREQ": _FREQ,
        "REF_AREA": {code: Text(name, name) for code, name in areas.items()},
        "BREAKDOWN": flow.groups,
        "OBS_STATUS": _STATUS,
    }


def structure(flows: Sequence[OpenFigure], wanted: Wanted, areas: Mapping[str, str]) -> bytes | None:
    """Return the document; None where nothing is meant."""
    lists = [
        _List("CL_FREQ", _CONCEPTS["FREQ"], _FREQ),
        _List("CL_AREA", _CONCEPTS["REF_AREA"], {code: Text(name, name) for code, name in areas.items()}),
        _List("CL_OBS_STATUS", _CONCEPTS["OBS_STATUS"], _STATUS),
        *(_List(f"CL_{f.flow}", f.figure.name, f.groups, f.version) for f in flows if f.groups),
    ]
    wide, up = wanted.references in RELATED, wanted.references in PARENTS
    shown: list[OpenFigure] = []
    described: list[OpenFigure] = []
    coded: list[_List] = []
    concepts = False
    if wanted.kind == "dataflow":
        shown = [f for f in flows if wanted.means(f.flow, f.version)]
        described = shown if wide else []
    elif wanted.kind == "datastructure":
        described = [f for f in flows if wanted.means(f"DSD_{f.flow}", f.version)]
        shown = described if up else []
    elif wanted.kind == "codelist":
        coded = [one for one in lists if wanted.means(one.id, one.version)]
    else:
        concepts = wanted.means(_SCHEME, "1.0")
    if wide and described:
        needed = {"CL_FREQ", "CL_AREA", "CL_OBS_STATUS", *(f"CL_{f.flow}" for f in described)}
        coded, concepts = [one for one in lists if one.id in needed], True
    if not (shown or described or coded or concepts):
        return None
    return _document(shown, coded, described, concepts=concepts, at=max((f.changed for f in flows), default=None))


def _document(
    flows: Sequence[OpenFigure],
    lists: Sequence[_List],
    described: Sequence[OpenFigure],
    *,
    concepts: bool,
    at: datetime | None,
) -> bytes:
    root = ET.Element(f"{MES}Structure")
    head = ET.SubElement(root, f"{MES}Header")
    ET.SubElement(head, f"{MES}ID").text = "STRUCTURES"
    ET.SubElement(head, f"{MES}Test").text = "false"
    moment = (at or datetime(2026, 1, 1, tzinfo=UTC)).astimezone(UTC)
    ET.SubElement(head, f"{MES}Prepared").text = moment.isoformat(timespec="seconds")
    ET.SubElement(head, f"{MES}Sender", id=AGENCY)
    body = ET.SubElement(root, f"{MES}Structures")
    for name, parts in (
        ("Dataflows", [_flow(one) for one in flows]),
        ("Codelists", [_codes(one) for one in lists]),
        ("Concepts", [_concepts()] if concepts else []),
        ("DataStructures", [_structure(one) for one in described]),
    ):
        if parts:
            ET.SubElement(body, f"{_STR}{name}").extend(parts)
    whole: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return whole


def _maintained(tag: str, id_: str, version: str, name: Text) -> ET.Element:
    made = ET.Element(f"{_STR}{tag}", id=id_, agencyID=AGENCY, version=version, isFinal="true")
    made.extend(_named(name))
    return made


def _named(name: Text) -> Iterator[ET.Element]:
    for language, words in (("zh", name.zh), ("en", name.en)):
        one = ET.Element(f"{COM}Name", {_LANG: language})
        one.text = clean(words)
        yield one


def clean(words: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(c for c in words if c >= " " or c in "\t\n\r").replace("\ufffe", "").replace("\uffff", "")


def _ref(parent: ET.Element, **words: str) -> None:
    ET.SubElement(parent, "Ref", {name.rstrip("_"): value for name, value in words.items()})


def _flow(one: OpenFigure) -> ET.Element:
    made = _maintained("Dataflow", one.flow, one.version, one.figure.name)
    if one.figure.definition.strip():
        said = ET.SubElement(made, f"{COM}Description", {_LANG: "zh"})
        said.text = clean(one.figure.definition)
    place = ET.SubElement(made, f"{_STR}Structure")
    _ref(
        place,
        id=f"DSD_{one.flow}",
        version=one.version,
        agencyID=AGENCY,
        package="datastructure",
        class_="DataStructure",
    )
    return made


def _codes(one: _List) -> ET.Element:
    made = _maintained("Codelist", one.id, one.version, one.name)
    for code, name in one.codes.items():
        ET.SubElement(made, f"{_STR}Code", id=code).extend(_named(name))
    return made


def _concepts() -> ET.Element:
    made = _maintained("ConceptScheme", _SCHEME, "1.0", Text("统计指标的概念", "Concepts of statistical indicators"))
    for code, name in _CONCEPTS.items():
        ET.SubElement(made, f"{_STR}Concept", id=code).extend(_named(name))
    return made


def _structure(one: OpenFigure) -> ET.Element:
    made = _maintained("DataStructure", f"DSD_{one.flow}", one.version, one.figure.name)
    parts = ET.SubElement(made, f"{_STR}DataStructureComponents")
    dimensions = ET.SubElement(parts, f"{_STR}DimensionList", id="DimensionDescriptor")
    lists = {"FREQ": ("CL_FREQ", "1.0"), "REF_AREA": ("CL_AREA", "1.0"), "BREAKDOWN": (f"CL_{one.flow}", one.version)}
    for place, name in enumerate(one.dimensions, 1):
        _coded(ET.SubElement(dimensions, f"{_STR}Dimension", id=name, position=str(place)), name, *lists[name])
    last = str(len(one.dimensions) + 1)
    time = ET.SubElement(dimensions, f"{_STR}TimeDimension", id="TIME_PERIOD", position=last)
    _plain(time, "TIME_PERIOD", "ObservationalTimePeriod")
    attributes = ET.SubElement(parts, f"{_STR}AttributeList", id="AttributeDescriptor")
    unit = ET.SubElement(attributes, f"{_STR}Attribute", id="UNIT_MEASURE", assignmentStatus="Mandatory")
    _plain(unit, "UNIT_MEASURE", "String")
    beside = ET.SubElement(unit, f"{_STR}AttributeRelationship")
    for name in one.dimensions:
        _ref(ET.SubElement(beside, f"{_STR}Dimension"), id=name)
    status = ET.SubElement(attributes, f"{_STR}Attribute", id="OBS_STATUS", assignmentStatus="Mandatory")
    _coded(status, "OBS_STATUS", "CL_OBS_STATUS", "1.0")
    at = ET.SubElement(ET.SubElement(status, f"{_STR}AttributeRelationship"), f"{_STR}PrimaryMeasure")
    _ref(at, id="OBS_VALUE")
    measures = ET.SubElement(parts, f"{_STR}MeasureList", id="MeasureDescriptor")
    _plain(ET.SubElement(measures, f"{_STR}PrimaryMeasure", id="OBS_VALUE"), "OBS_VALUE", "Decimal")
    return made


def _concept(parent: ET.Element, name: str) -> ET.Element:
    place = ET.SubElement(parent, f"{_STR}ConceptIdentity")
    _ref(
        place, id=name, maintainableParentID=_SCHEME, maintainableParentVersion="1.0", agencyID=AGENCY,
        package="conceptscheme", class_="Concept",
    )  # fmt: skip
    return ET.SubElement(parent, f"{_STR}LocalRepresentation")


def _coded(parent: ET.Element, name: str, codes: str, version: str) -> None:
    place = ET.SubElement(_concept(parent, name), f"{_STR}Enumeration")
    _ref(place, id=codes, version=version, agencyID=AGENCY, package="codelist", class_="Codelist")


def _plain(parent: ET.Element, name: str, kind: str) -> None:
    ET.SubElement(_concept(parent, name), f"{_STR}TextFormat", textType=kind)
