"""Public statistical indicators in SDMX: structures in SDMX-ML 2.1, data in SDMX-CSV, SDMX-JSON and SDMX-ML."""

from beijiang.assess.sdmx.asking import Selection, selected
from beijiang.assess.sdmx.data import as_csv, as_json
from beijiang.assess.sdmx.specific import as_xml
from beijiang.assess.sdmx.structures import AGENCY, KINDS, Wanted, structure

__all__ = ["AGENCY", "KINDS", "Selection", "Wanted", "as_csv", "as_json", "as_xml", "selected", "structure"]
