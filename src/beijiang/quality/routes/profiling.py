"""The JSON API of profiles: what stands in the columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request

from beijiang.kit import Actor, Text
from beijiang.quality.models.profiles import QUANTILES
from beijiang.web.values import plain_value

if TYPE_CHECKING:
    from beijiang.quality.models.profiles import ColumnProfile, Share
    from beijiang.quality.service import Profiles

__all__ = ["profile_router"]


def profile_router(service: Profiles) -> APIRouter:
    """Return the endpoint under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["quality"])

    @routes.get("/tables/{name}/quality/profile", summary="How full columns are, what stands in them, how it is spread")
    def profile(request: Request, name: str, page: Annotated[int, Query(ge=1, le=10_000)] = 1) -> dict[str, Any]:
        actor: Actor = request.state.actor
        found = service.profile(actor, name, page)
        return {
            "table": found.table,
            "version": found.version,
            "rows": found.rows,
            "page": found.page,
            "pages": found.pages,
            "width": found.width,
            "filtered": found.filtered,
            "receipt": found.receipt,
            "columns": [_column(one) for one in found.columns],
        }

    return routes


def _column(one: ColumnProfile) -> dict[str, Any]:
    return {
        "name": one.name,
        "type": one.type,
        "grade": one.grade,
        "masked": one.masked,
        "filled": one.filled,
        "distinct": one.distinct,
        "lengths": None if one.lengths is None else list(one.lengths),
        "makeup": [_share(share) for share in one.makeup],
        "least": plain_value(one.least),
        "greatest": plain_value(one.greatest),
        "mean": one.mean,
        "quantiles": {
            f"p{at * 100:.0f}": plain_value(value) for at, value in zip(QUANTILES, one.quantiles, strict=False)
        },
        "outliers": one.outliers,
        "bins": [{"low": plain_value(b.low), "high": plain_value(b.high), "count": b.count} for b in one.bins],
        "top": [_share(share) for share in one.top],
    }


def _share(share: Share) -> dict[str, Any]:
    value = share.value
    return {
        "value": {"zh": value.zh, "en": value.en} if isinstance(value, Text) else plain_value(value),
        "count": share.count,
    }
