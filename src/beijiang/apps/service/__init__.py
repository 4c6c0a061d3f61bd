"""The verbs of hosted applications."""

from beijiang.apps.service.checking import Checked
from beijiang.apps.service.cycle import Apps
from beijiang.apps.service.running import PageView
from beijiang.apps.service.scheduled import APP_JOB, AppJobs

__all__ = ["APP_JOB", "AppJobs", "Apps", "Checked", "PageView"]
