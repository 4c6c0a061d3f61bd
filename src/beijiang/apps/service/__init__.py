"""The verbs of applications, hosted here or written elsewhere."""

from beijiang.apps.service.canarying import AppCanaries
from beijiang.apps.service.checking import Checked
from beijiang.apps.service.clients import ApiNames, Clients, Sandbox, SignOn, Subscriptions
from beijiang.apps.service.cycle import Apps
from beijiang.apps.service.rating import RatingsOfApps
from beijiang.apps.service.relay import HealthWatch, Passage, Relay, RelayAsk, RelayStart
from beijiang.apps.service.running import PageView
from beijiang.apps.service.scheduled import APP_JOB, AppJobs
from beijiang.apps.service.serving import AppServers
from beijiang.apps.service.viewers import Viewers

__all__ = [
    "APP_JOB",
    "ApiNames",
    "AppCanaries",
    "AppJobs",
    "AppServers",
    "Apps",
    "Checked",
    "Clients",
    "HealthWatch",
    "PageView",
    "Passage",
    "RatingsOfApps",
    "Relay",
    "RelayAsk",
    "RelayStart",
    "Sandbox",
    "SignOn",
    "Subscriptions",
    "Viewers",
]
