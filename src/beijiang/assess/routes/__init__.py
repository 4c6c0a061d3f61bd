"""The JSON API of assessment, statistical indicators and the work plan."""

from beijiang.assess.routes.scores import router

__all__ = ["router"]
