"""What the console's long lists are made of: rows that the services show to the actor, and the columns of each list."""

from beijiang.console.lists.flow import job_table, mending_table, run_table, stream_table
from beijiang.console.lists.holdings import assessment_table, contract_table, lake_table, library_table
from beijiang.console.lists.judging import finding_table, proposal_table, ticket_table
from beijiang.console.lists.ledgers import demand_table, dispute_table, push_table
from beijiang.console.lists.offers import service_table, system_table, voice_table
from beijiang.console.lists.outside import alert_table, source_table, target_table
from beijiang.console.lists.own import notice_table
from beijiang.console.lists.people import evidence_table, people_table
from beijiang.console.lists.sharing import entry_table, grant_table, request_table

__all__ = [
    "alert_table",
    "assessment_table",
    "contract_table",
    "demand_table",
    "dispute_table",
    "entry_table",
    "evidence_table",
    "finding_table",
    "grant_table",
    "job_table",
    "lake_table",
    "library_table",
    "mending_table",
    "notice_table",
    "people_table",
    "proposal_table",
    "push_table",
    "request_table",
    "run_table",
    "service_table",
    "source_table",
    "stream_table",
    "system_table",
    "target_table",
    "ticket_table",
    "voice_table",
]
