"""``/api/v1/standards``: the public facts, for forms and for programs."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query

from beijiang.kit import Text
from beijiang.standards.service import Standards

if TYPE_CHECKING:
    from beijiang.standards.models import CodeNode

__all__ = ["router"]


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def router(service: Standards) -> APIRouter:
    """Return the endpoints; all are public."""
    api = APIRouter(prefix="/api/v1/standards", tags=["standards"])

    @api.get("/regions", summary="Regions directly below one (default: the leagues and cities), also as of a day")
    def regions(
        parent: str = "150000",
        on: Annotated[date | None, Query(description="As they stood on this day, former ones among them.")] = None,
    ) -> dict[str, Any]:
        if on is not None:
            return _stood(service.region_on(parent, on), on)
        region = service.region(parent)
        return {
            "parent": {"code": region.code, "name": {"zh": region.name, "en": region.name_en}},
            "regions": [
                {
                    "code": r.code,
                    "name": {"zh": r.name, "en": r.name_en},
                    "kind": r.kind,
                    "admin_tier": r.admin_tier,
                    "is_functional_zone": r.is_functional_zone,
                }
                for r in service.children(parent)
            ],
        }

    @api.get("/categories", summary="The catalog category tree")
    def categories() -> dict[str, Any]:
        found = service.categories()
        return {
            "categories": [
                {"code": c.code, "parent": c.parent, "tier": c.tier, "name": _both(c.name), "verified": c.verified}
                for c in found
            ]
        }

    @api.get("/cycles", summary="Update cycles")
    def cycles() -> dict[str, Any]:
        return {
            "cycles": [
                {
                    "code": c.code,
                    "id": c.id,
                    "name": _both(c.name),
                    "interval_days": c.interval.days if c.interval is not None else None,
                    "grace_days": c.grace.days,
                    "verified": c.verified,
                }
                for c in service.update_cycles()
            ]
        }

    @api.get("/licences", summary="Licences of open data")
    def licences() -> dict[str, Any]:
        return {
            "licences": [
                {"id": x.id, "name": _both(x.name), "url": x.url, "summary": _both(x.summary), "open": x.is_open}
                for x in service.licences()
            ]
        }

    @api.get("/formats", summary="Formats of resources")
    def formats() -> dict[str, Any]:
        return {
            "formats": [
                {"id": f.id, "label": f.label, "class": _both(f.class_name), "open_portal_role": f.open_portal_role}
                for f in service.formats()
            ]
        }

    @api.get("/rules", summary="Time limits and thresholds with their basis")
    def rules() -> dict[str, Any]:
        return {
            "rules": [
                {
                    "id": r.id,
                    "kind": r.kind,
                    "topic": _both(r.topic),
                    "value": r.value,
                    "unit": r.unit,
                    "basis": r.basis,
                    "verified": r.verified,
                    "active": r.active,
                }
                for r in service.rules()
            ]
        }

    @api.get("/codes/{code_set}", summary="Values of one code set")
    def codes(code_set: str) -> dict[str, Any]:
        found = service.code_set(code_set)
        return {
            "id": found.id,
            "name": _both(found.name),
            "standard": found.standard,
            "verified": found.verified,
            "values": [{"code": v.code, "name": _both(v.name), "parent": v.parent} for v in found.values],
        }

    return api


def _stood(node: CodeNode, on: date) -> dict[str, Any]:
    return {
        "on": on,
        "parent": {"code": node.value.code, "name": _both(node.value.name)},
        "regions": [
            {
                "code": child.value.code,
                "name": _both(child.value.name),
                "tier": child.tier,
                "below": len(child.children),
                "valid_from": child.value.valid_from,
                "valid_to": child.value.valid_to,
                "replaced_by": list(child.value.replaced_by),
            }
            for child in node.children
        ],
    }
