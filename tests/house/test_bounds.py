"""Every whole number that the API takes has a least and a greatest, and OpenAPI says both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DESCRIBED = json.loads((Path(__file__).parents[2] / "docs/reference/openapi.json").read_text("utf-8"))
"""What the API says of itself; that it is what the routes say is tested with the other generated pages."""
LEAST, MOST = {"minimum", "exclusiveMinimum", "enum", "const"}, {"maximum", "exclusiveMaximum", "enum", "const"}


def unbounded(schema: Mapping[str, Any], place: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the places of whole numbers without an end; a value of the data, which may be text as well, is none."""
    if "$ref" in schema:
        place = schema["$ref"].rpartition("/")[2]
        if place not in seen:
            yield from unbounded(DESCRIBED["components"]["schemas"][place], place, seen | {place})
        return
    if schema.get("type") == "integer" and not (LEAST & schema.keys() and MOST & schema.keys()):
        yield place
    for key in ("anyOf", "oneOf", "allOf"):
        kinds = schema.get(key, ())
        if not any(kind.get("type") == "string" for kind in kinds):
            for kind in kinds:
                yield from unbounded(kind, place, seen)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from unbounded(schema[key], f"{place}[]", seen)
    for name, field in schema.get("properties", {}).items():
        yield from unbounded(field, f"{place}.{name}", seen)


def test_every_number_that_the_api_takes_has_an_end() -> None:
    found, looked = set[str](), 0
    for path, verbs in DESCRIBED["paths"].items():
        for verb, said in verbs.items():
            for parameter in said.get("parameters", ()):
                looked += 1
                found |= {*unbounded(parameter.get("schema", {}), f"{verb} {path} {parameter.get('name')}")}
            for body in said.get("requestBody", {}).get("content", {}).values():
                looked += 1
                found |= {*unbounded(body.get("schema", {}), f"{verb} {path} body")}
    assert looked > 1000
    assert not found, "take beijiang.web.bounds: Whole, Number, Ordinal or Place"
