"""The names of real things in a region, for what the description calls them: else nearly every write ends at "no such thing"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text

if TYPE_CHECKING:
    from beijiang.build import Platform

__all__ = ["config"]

_MOST: Final = 6
_HOLD: Final = {
    "app": "hosted_app.id",
    "application": "exchange_request.id",
    "alert": "ingest_alert.id",
    "appeal": "assess_appeal.id",
    "claim": "fusion_claim.id",
    "client_id": "app_client.id",
    "code": "assess_figure.code",
    "column": "column_grade.column_name",
    "contract": "contract.id",
    "dataset": "catalog_resource.id",
    "delivery": "exchange_push_delivery.id",
    "demand": "exchange_demand.id",
    "dispute": "exchange_dispute.id",
    "document": "text_document.id",
    "draft": "plan_draft.id",
    "finding": "quality_finding.id",
    "forecast": "forecast.id",
    "grant_id": "exchange_grant.id",
    "graph": "relation_graph.id",
    "hold_id": "evidence_hold.id",
    "job_id": "job.id",
    "key": "catalog_extension_field.key",
    "library": "fusion_library.id",
    "link": "fusion_link.id",
    "lowering": "grade_lowering.id",
    "model": "learned_model.id",
    "name": "lake_table.name",
    "news": "portal_news.id",
    "node_id": "federation_link.node_id",
    "notebook": "notebook.id",
    "number": "hosted_version.number",
    "org": "organisation.id",
    "pair": "fusion_pair.id",
    "period": "assess_sheet.period",
    "person_id": "person.id",
    "plan": "score_plan.id",
    "proposal": "standards_proposal.id",
    "push": "exchange_push.id",
    "query": "saved_query.id",
    "recall": "exchange_recall.id",
    "recipe": "recipe.id",
    "registration": "portal_registration.id",
    "request_id": "exchange_request.id",
    "resource": "catalog_resource.id",
    "resource_id": "catalog_resource.id",
    "rule": "quality_rule.id",
    "run": "ingest_run.id",
    "run_id": "ingest_run.id",
    "schedule": "ingest_schedule.id",
    "service_id": "exchange_service.id",
    "sha256": "ingest_file.sha256",
    "source": "ingest_source.id",
    "stream": "ingest_stream.id",
    "subscription_id": "app_subscription.id",
    "sync": "ingest_sync.id",
    "system_id": "catalog_system.id",
    "table": "lake_table.name",
    "task": "plan_task.id",
    "task_id": "exchange_claim.id",
    "template_id": "exchange_template.id",
    "thread_id": "catalog_thread.id",
    "ticket": "quality_ticket.id",
    "view": "feature_view.id",
    "voice": "portal_voice.id",
    "window": "ingest_stream_window.id",
    "work": "portal_work.id",
}
"""What a word in an address, or a field of a body, names: where the names are."""


def config(platform: Platform) -> str:
    """Return a ``schemathesis.toml`` that puts real names where the region has any; a tenth of all stays made up."""
    books, bound = [], []
    with platform.db.read() as connection:
        for word, place in _HOLD.items():
            table, _, column = place.partition(".")
            query = text(f"SELECT DISTINCT {column} FROM {table} ORDER BY {column} LIMIT {_MOST}")
            names = [row[0] for row in connection.execute(query)]
            if names:
                books.append(f"[dictionaries.{word}]\nvalues = {names!r}")
                bound += [f'"{at}.{word}" = {{dictionary = "{word}", probability = 0.9}}' for at in ("path", "body")]
    return "\n".join([*books, "[parameters]", *bound, ""])
