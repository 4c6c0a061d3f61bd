"""The JSON API of assessment, statistical indicators and the work plan."""

from beijiang.assess.routes.drafts import drafts_router
from beijiang.assess.routes.figures import figures_router
from beijiang.assess.routes.openings import openings_router
from beijiang.assess.routes.plan import plan_router, plan_tables_router
from beijiang.assess.routes.scores import router
from beijiang.assess.routes.sdmx import SDMX, protocol_error, sdmx_router

__all__ = [
    "SDMX",
    "drafts_router",
    "figures_router",
    "openings_router",
    "plan_router",
    "plan_tables_router",
    "protocol_error",
    "router",
    "sdmx_router",
]
