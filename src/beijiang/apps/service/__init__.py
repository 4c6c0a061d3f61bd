"""The verbs of hosted applications."""

from beijiang.apps.service.checking import Checked
from beijiang.apps.service.cycle import Apps
from beijiang.apps.service.running import PageView

__all__ = ["Apps", "Checked", "PageView"]
