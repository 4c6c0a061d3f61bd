"""Durable work: submitted once, carried on after any crash, watched and cancelled by people.

Owns the metadata tables ``job`` and ``job_executor``. The steps of running work are kept by dbos in a database of their
own (``home/jobs.db``, or the schema ``beijiang_jobs`` on PostgreSQL); only ``service/durable.py`` knows of it. This
domain knows no other: ``build.py`` registers the work of ingest and others by name.
"""

from beijiang.jobs.models import TERMINAL, AccessCheck, Job, JobProgress, JobState
from beijiang.jobs.service import JobRun, Jobs, Work

__all__ = ["TERMINAL", "AccessCheck", "Job", "JobProgress", "JobRun", "JobState", "Jobs", "Work"]
