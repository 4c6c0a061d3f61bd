"""What the APIs are called that an application may subscribe to, for somebody who may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.apps.errors import no_page
from beijiang.apps.models import FACES
from beijiang.kit import Invalid

if TYPE_CHECKING:
    from beijiang.apps.service.cycle import Apps
    from beijiang.catalog import Catalog
    from beijiang.exchange import Services
    from beijiang.kit import Actor

__all__ = ["ApiNames"]


class ApiNames:
    """Looks an API up by the verb that its own page uses, as whoever asks."""

    def __init__(self, catalog: Catalog, services: Services, apps: Apps) -> None:
        self._catalog = catalog
        self._services = services
        self._apps = apps

    def name(self, actor: Actor, api: str) -> str:
        """Return the name of an API.

        Raises:
            NotFound: it is not there, or not the actor's to see.
            Invalid: it is none (``api_unknown``).

        """
        inner = api.removeprefix("sandbox:")
        kind, _, rest = (inner if inner.startswith(("service:", "app:")) else api).partition(":")
        if kind in {"rows", "sandbox"} and rest:
            return self._catalog.published(actor, rest).version.entry.name
        if kind == "face" and rest in FACES:
            return FACES[rest].zh
        if kind == "table" and rest:
            found = self._catalog.resource_for_table(rest)
            return self._catalog.published(actor, "" if found is None else found.id).version.entry.name
        if kind == "service" and rest:
            return self._services.view(actor, rest).service.name
        if kind == "relay" and rest:
            return "平台代理访问"
        app_id, mark, end = rest.partition("/")
        if kind == "app" and mark:
            app, bundle = self._apps.open(actor, app_id)
            if end not in bundle.api:
                raise no_page()
            return f"{app.name.zh}：{bundle.api[end].summary.zh}"
        raise Invalid(
            f"接口写成 rows:数据集、table:数据表、service:服务、app:应用/接口、sandbox:资源或 sandbox:service:服务、sandbox:app:应用/接口、relay:本应用，或 face: 加 {'、'.join(FACES)} 之一。",
            f"Write an API as rows:DATASET, table:TABLE, service:SERVICE, app:APPLICATION/END-POINT, sandbox:RESOURCE or sandbox:service:SERVICE, sandbox:app:APPLICATION/END-POINT, relay:ITSELF, or face: with one of {', '.join(FACES)}.",
            code="api_unknown",
        )
