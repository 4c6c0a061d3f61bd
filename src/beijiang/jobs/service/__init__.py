"""The verbs of jobs, the handle that running work holds, and the adapter to dbos."""

from beijiang.jobs.service.jobs import Jobs
from beijiang.jobs.service.run import Admit, JobRun, Work

__all__ = ["Admit", "JobRun", "Jobs", "Work"]
