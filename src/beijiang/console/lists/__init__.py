"""What the console's long lists are made of: rows that the services show to the actor, and the columns of each list."""

from beijiang.console.lists.flow import job_table, mending_table, run_table, stream_table
from beijiang.console.lists.holdings import library_table
from beijiang.console.lists.judging import finding_table, ticket_table
from beijiang.console.lists.ledgers import demand_table, dispute_table, push_table
from beijiang.console.lists.own import notice_table
from beijiang.console.lists.people import evidence_table, people_table
from beijiang.console.lists.sharing import entry_table, grant_table, request_table

__all__ = [
    "demand_table",
    "dispute_table",
    "entry_table",
    "evidence_table",
    "finding_table",
    "grant_table",
    "job_table",
    "library_table",
    "mending_table",
    "notice_table",
    "people_table",
    "push_table",
    "request_table",
    "run_table",
    "stream_table",
    "ticket_table",
]
