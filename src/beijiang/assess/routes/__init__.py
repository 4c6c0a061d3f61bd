"""The JSON API of assessment, statistical indicators and the work plan."""

from beijiang.assess.routes.figures import figures_router
from beijiang.assess.routes.plan import plan_router
from beijiang.assess.routes.scores import router

__all__ = ["figures_router", "plan_router", "router"]
