"""The verbs of applications, hosted here or written elsewhere."""

from beijiang.apps.service.checking import Checked
from beijiang.apps.service.clients import ApiNames, Clients, Sandbox, SignOn, Subscriptions
from beijiang.apps.service.cycle import Apps
from beijiang.apps.service.running import PageView

__all__ = ["ApiNames", "Apps", "Checked", "Clients", "PageView", "Sandbox", "SignOn", "Subscriptions"]
