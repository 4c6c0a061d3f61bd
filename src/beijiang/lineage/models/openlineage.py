"""OpenLineage 2-0-2: what an event must be like to be taken, and the events that the platform's own writes make.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json; facets ``schema`` 1-2-0, ``columnLineage`` 1-2-0,
``ownership`` 1-0-1, ``version``, ``datasource``, ``outputStatistics`` 1-0-2.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from beijiang.lineage.models.graph import Edge, Written
from beijiang.tables import Use

__all__ = [
    "EVENT_TYPES",
    "LARGEST",
    "MOST_COLUMNS",
    "MOST_EVENTS",
    "MOST_FACETS",
    "datasets_of",
    "edges_of",
    "events_of",
    "faults_of",
    "run_uuid",
]

LARGEST: Final = 1024 * 1024
"""Bytes of one event."""
MOST_EVENTS: Final = 500
"""Events of one batch."""
MOST_FACETS: Final = 100
MOST_COLUMNS: Final = 5000
MOST_DEPTH: Final = 30
EVENT_TYPES: Final = frozenset({"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"})
_SPEC: Final = "https://openlineage.io/spec"
_LONGEST: Final = 300
_LONGEST_MOMENT: Final = 60
_USES: Final = frozenset(use.value for use in Use)
_NAMESPACE: Final = uuid.UUID("6f1d3c2e-7f0b-5b1a-9a53-0b6f2c6c1d10")
"""What ids of runs are made into UUIDs with (RFC 9562, version 5)."""


def run_uuid(run_id: str) -> str:
    """Return the UUID of a run of the platform, always the same."""
    return str(uuid.uuid5(_NAMESPACE, run_id))


# In: what is wrong with an event


def faults_of(event: object) -> list[str]:
    """Return what is wrong with an event, in English; nothing where it can be taken."""
    if not isinstance(event, dict):
        return ["an event is a JSON object"]
    if _depth(event) > MOST_DEPTH:
        return [f"nested deeper than {MOST_DEPTH}"]
    faults = [*_moment(event.get("eventTime")), *_text(event, "producer"), *_text(event, "schemaURL")]
    if "run" in event:
        faults += _run(event)
    elif "job" not in event and "dataset" not in event:
        faults.append("neither run, job nor dataset")
    if "dataset" in event and "job" not in event:
        faults += _named(event["dataset"], "dataset")
    else:
        faults += _named(event.get("job"), "job")
    for side in ("inputs", "outputs"):
        listed = event.get(side) or []
        if not isinstance(listed, list):
            faults.append(f"{side} is no array")
            continue
        for place, dataset in enumerate(listed):
            faults += _named(dataset, f"{side}[{place}]")
    return (faults or [*_facets(event), *_sizes(event)])[:20]


def _run(event: Mapping[str, Any]) -> Iterator[str]:
    run = event["run"]
    try:
        uuid.UUID(run["runId"])
    except (TypeError, KeyError, ValueError, AttributeError):
        yield "run.runId is no UUID"
    if event.get("eventType", "OTHER") not in EVENT_TYPES:
        yield f"eventType is none of {', '.join(sorted(EVENT_TYPES))}"


def _moment(value: object) -> Iterator[str]:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= _LONGEST_MOMENT else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        yield "eventTime is no moment with a zone"


def _text(event: Mapping[str, Any], name: str) -> Iterator[str]:
    if not isinstance(event.get(name), str) or not event[name]:
        yield f"{name} is missing"


def _named(thing: object, where: str) -> Iterator[str]:
    if not isinstance(thing, dict):
        yield f"{where} is missing or no object"
        return
    for name in ("namespace", "name"):
        value = thing.get(name)
        if not isinstance(value, str) or not value or len(value) > _LONGEST or not value.isprintable():
            yield f"{where}.{name} is no text of 1 to {_LONGEST} characters"


def _facets(event: Mapping[str, Any]) -> Iterator[str]:
    """Look at every facet: objects that say who made them and after which schema; what else they hold is theirs."""
    count = 0
    for where, facets in _all_facets(event):
        if not isinstance(facets, dict):
            yield f"{where} is no object"
            continue
        count += len(facets)
        for name, facet in facets.items():
            if not isinstance(facet, dict) or not all(
                isinstance(facet.get(k), str) for k in ("_producer", "_schemaURL")
            ):
                yield f"{where}.{name} lacks _producer or _schemaURL"
    if count > MOST_FACETS:
        yield f"{count} facets; {MOST_FACETS} are allowed"


def _all_facets(event: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name in ("run", "job", "dataset"):
        if isinstance(event.get(name), dict) and event[name].get("facets"):
            yield f"{name}.facets", event[name]["facets"]
    for side, kinds in (("inputs", ("facets", "inputFacets")), ("outputs", ("facets", "outputFacets"))):
        for place, dataset in enumerate(event.get(side) or []):
            for kind in kinds:
                if dataset.get(kind):
                    yield f"{side}[{place}].{kind}", dataset[kind]


def _sizes(event: Mapping[str, Any]) -> Iterator[str]:
    columns = 0
    for dataset in datasets_of(event):
        facets = dataset.get("facets") or {}
        schema, lineage = facets.get("schema") or {}, facets.get("columnLineage") or {}
        fields, made = schema.get("fields") or [], lineage.get("fields") or {}
        if not isinstance(fields, list) or not isinstance(made, dict):
            yield "schema.fields is no array, or columnLineage.fields no object"
            return
        columns += max(len(fields), len(made))
    if columns > MOST_COLUMNS:
        yield f"{columns} columns; {MOST_COLUMNS} are allowed"


def _depth(value: object) -> int:
    """Return how deep a value is nested, looking no further than is allowed."""
    level, here = 0, [value]
    while here and level <= MOST_DEPTH:
        level += 1
        here = [
            inner
            for one in here
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return level


def datasets_of(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the datasets that an event tells of."""
    own = [event["dataset"]] if isinstance(event.get("dataset"), dict) else []
    return [*own, *(event.get("inputs") or []), *(event.get("outputs") or [])]


# In: the edges of a run


def edges_of(events: Sequence[Mapping[str, Any]], name: Any) -> dict[str, set[Edge]]:
    """Return, for each output of a run, the edges that its events tell of; ``name`` gives the key of a dataset.

    A column lineage facet gives edges of columns; without one, all inputs serve to make the output.
    """
    inputs = {name(dataset): None for event in events for dataset in event.get("inputs") or []}
    found: dict[str, set[Edge]] = {}
    for event in events:
        for dataset in [*(event.get("outputs") or []), *([event["dataset"]] if "dataset" in event else [])]:
            target = name(dataset)
            edges = found.setdefault(target, set())
            facet = (dataset.get("facets") or {}).get("columnLineage")
            if isinstance(facet, dict):
                edges |= set(_columns(facet, target, name))
    for target, edges in found.items():
        if not edges:
            edges |= {Edge(source, "", target, "", Use.TRANSFORMATION.value) for source in inputs if source != target}
    return found


def _columns(facet: Mapping[str, Any], target: str, name: Any) -> Iterator[Edge]:
    fields = facet.get("fields") or {}
    whole = list(_origins(facet.get("dataset"), name))
    for column, made in fields.items():
        if isinstance(made, dict):
            for source, source_column, use in [*_origins(made.get("inputFields"), name), *whole]:
                yield Edge(source, source_column, target, column[:400], use)


def _origins(listed: object, name: Any) -> Iterator[tuple[str, str, str]]:
    for one in listed if isinstance(listed, list) else []:
        if not isinstance(one, dict) or any(_named(one, "")) or not isinstance(one.get("field"), str):
            continue
        told = one.get("transformations")
        subtypes = [t.get("subtype") for t in told if isinstance(t, dict)] if isinstance(told, list) else []
        for subtype in subtypes or [None]:
            word = str(subtype or "").lower()
            use = word if word in _USES else Use.TRANSFORMATION.value
            yield name(one), one["field"][:400], use


# Out


def events_of(
    written: Written, edges: Iterable[Edge], *, namespace: Any, address: str, owner: str
) -> list[dict[str, Any]]:
    """Return the START and COMPLETE events of a write; ``namespace`` gives that of a dataset's key, and its name."""
    at = written.at.isoformat()
    own, name = namespace(written.target)
    listed = sorted(edges)
    sources = sorted({namespace(edge.source) for edge in listed})
    base = {
        "producer": f"{address}/",
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run_uuid(written.run_id), "facets": {}},
        "job": {"namespace": own, "name": f"{written.mode}.{name}", "facets": {}},
        "inputs": [{"namespace": n, "name": d, "facets": {}, "inputFacets": {}} for n, d in sources],
    }
    facets = {
        "schema": _facet(
            address,
            "SchemaDatasetFacet",
            "1-2-0",
            {"fields": [{"name": c, "type": t, "description": d} for c, t, d in written.columns]},
        ),
        "version": _facet(address, "DatasetVersionDatasetFacet", "1-0-1", {"datasetVersion": str(written.version)}),
        "dataSource": _facet(address, "DatasourceDatasetFacet", "1-0-1", {"name": own, "uri": own}),
        "ownership": _facet(address, "OwnershipDatasetFacet", "1-0-1", {"owners": [{"name": owner, "type": "OWNER"}]}),
        "columnLineage": _facet(
            address, "ColumnLineageDatasetFacet", "1-2-0", {"fields": _lineage_fields(listed, namespace), "dataset": []}
        ),
    }
    counted = _facet(address, "OutputStatisticsOutputDatasetFacet", "1-0-2", {"rowCount": written.rows})
    output = {"namespace": own, "name": name, "facets": facets, "outputFacets": {"outputStatistics": counted}}
    plain = {"namespace": own, "name": name, "facets": {}, "outputFacets": {}}
    return [
        {"eventType": "START", "eventTime": at, **base, "outputs": [plain]},
        {"eventType": "COMPLETE", "eventTime": at, **base, "outputs": [output]},
    ]


def _lineage_fields(edges: Iterable[Edge], namespace: Any) -> dict[str, Any]:
    made: dict[str, dict[tuple[str, str], list[str]]] = {}
    for edge in edges:
        if edge.source_column and edge.target_column:
            made.setdefault(edge.target_column, {}).setdefault((edge.source, edge.source_column), []).append(edge.use)
    return {
        column: {
            "inputFields": [
                {
                    "namespace": namespace(source)[0],
                    "name": namespace(source)[1],
                    "field": field,
                    "transformations": [
                        {
                            "type": "DIRECT" if Use(use).is_direct else "INDIRECT",
                            "subtype": use.upper(),
                            "description": "",
                            "masking": False,
                        }
                        for use in uses
                    ],
                }
                for (source, field), uses in sorted(origins.items())
            ]
        }
        for column, origins in made.items()
    }


def _facet(address: str, name: str, version: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "_producer": f"{address}/",
        "_schemaURL": f"{_SPEC}/facets/{version}/{name}.json#/$defs/{name}",
        **body,
    }
