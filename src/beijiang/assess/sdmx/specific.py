"""Write values as SDMX-ML 2.1, structure specific: what clients ask for that have the structure at hand."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from beijiang.assess.models.opening import STATUSES, time_of
from beijiang.assess.sdmx.structures import AGENCY, COM, MES, SPACE, clean

if TYPE_CHECKING:
    from beijiang.assess.sdmx.asking import Selection

__all__ = ["as_xml"]

_DATA: Final = f"{{{SPACE}data/structurespecific}}"
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
ET.register_namespace("ss", _DATA[1:-1])
ET.register_namespace("xsi", "http://www.w3.org/2001/XMLSchema-instance")


def as_xml(found: Selection) -> bytes:
    """Return the values, series by series."""
    flow = found.flow
    urn = f"urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow={AGENCY}:{flow.flow}({flow.version}):ObsLevelDim:TIME_PERIOD"
    root = ET.Element(f"{MES}StructureSpecificData", {"xmlns:flow": urn})
    head = ET.SubElement(root, f"{MES}Header")
    ET.SubElement(head, f"{MES}ID").text = f"{flow.flow}-{flow.version}"
    ET.SubElement(head, f"{MES}Test").text = "false"
    ET.SubElement(head, f"{MES}Prepared").text = flow.changed.astimezone(UTC).isoformat(timespec="seconds")
    ET.SubElement(head, f"{MES}Sender", id=AGENCY)
    used = ET.SubElement(
        head, f"{MES}Structure", structureID=flow.flow, namespace=urn, dimensionAtObservation="TIME_PERIOD"
    )
    place = ET.SubElement(used, f"{COM}Structure")
    ref = {"id": f"DSD_{flow.flow}", "version": flow.version, "agencyID": AGENCY}
    ET.SubElement(place, "Ref", {**ref, "package": "datastructure", "class": "DataStructure"})
    scope = {f"{_DATA}structureRef": flow.flow, f"{_DATA}dataScope": "DataStructure", _TYPE: "flow:DataSetType"}
    whole = ET.SubElement(root, f"{MES}DataSet", {**scope, "action": "Information"})
    for key, values in found.series.items():
        unit = {"UNIT_MEASURE": clean(flow.figure.unit_zh)} if found.with_attributes else {}
        series = ET.SubElement(whole, "Series", {**dict(zip(flow.dimensions, key, strict=True)), **unit})
        for value in values:
            status = {"OBS_STATUS": STATUSES[value.stage]} if found.with_attributes else {}
            ET.SubElement(series, "Obs", {"TIME_PERIOD": time_of(value.period), "OBS_VALUE": value.value, **status})
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written
