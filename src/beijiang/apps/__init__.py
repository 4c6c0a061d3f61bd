"""Hosted applications (应用承载): folders of files that departments write, the authority reviews, and readers open.

An application is Markdown pages with blocks, SQL queries with typed parameters, end-points, texts in English and tests. It has
no rights of its own: every query runs as whoever looks, through the SQL gateway of ``protection``, at the exit ``app``. Owns the
tables ``hosted_app``, ``hosted_version``, ``hosted_canary``, ``hosted_job``, ``hosted_alert``, ``hosted_usage``, ``hosted_answer``,
``hosted_server`` and ``hosted_rating``. Applications written elsewhere
(外部应用) register as clients and sign people on by OpenID Connect; theirs are the tables ``app_client``, ``app_client_secret``,
``app_consent``, ``app_farewell``, ``app_sign_on``, ``app_code``, ``app_token``, ``app_signing_key``, ``app_subscription``,
``app_use``, and for those that the platform relays ``app_host``, ``app_health`` and ``app_health_turn``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.apps.events import AppMoved
from beijiang.apps.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.apps.models import __all__ as _models

if TYPE_CHECKING:
    from beijiang.apps.reader import page_facts
    from beijiang.apps.service import (
        APP_JOB,
        ApiNames,
        AppCanaries,
        AppJobs,
        Apps,
        AppServers,
        Checked,
        Clients,
        HealthWatch,
        PageView,
        Passage,
        RatingsOfApps,
        Relay,
        RelayAsk,
        RelayStart,
        Sandbox,
        SignOn,
        Subscriptions,
        Viewers,
    )

__all__ = [  # noqa: PLE0604 - the starred list is spelled out in models
    "APP_JOB",
    "ApiNames",
    "AppCanaries",
    "AppJobs",
    "AppMoved",
    "AppServers",
    "Apps",
    "Checked",
    "Clients",
    "HealthWatch",
    "PageView",
    "RatingsOfApps",
    "Passage",
    "Relay",
    "RelayAsk",
    "RelayStart",
    "Sandbox",
    "SignOn",
    "Subscriptions",
    "Viewers",
    "page_facts",
    *_models,
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.apps import reader, service

    return getattr(reader if name == "page_facts" else service, name)
