"""The metadata tables of exchange."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = [
    "exchange_claim",
    "exchange_count",
    "exchange_delegation",
    "exchange_demand",
    "exchange_dispute",
    "exchange_epoch",
    "exchange_grant",
    "exchange_intersection",
    "exchange_mark",
    "exchange_opening",
    "exchange_package",
    "exchange_profile",
    "exchange_push",
    "exchange_push_delivery",
    "exchange_rating",
    "exchange_recall",
    "exchange_recall_duty",
    "exchange_request",
    "exchange_service",
    "exchange_service_breaker",
    "exchange_service_call",
    "exchange_service_probe",
    "exchange_service_rate",
    "exchange_service_version",
    "exchange_serving",
    "exchange_serving_copy",
    "exchange_step",
    "exchange_template",
    "exchange_usage",
]

exchange_request = Table(
    "exchange_request",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False, index=True),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("draft", JsonDocument, nullable=False),
    Column("resource_id", String(40), nullable=False),
    Column("resource_name", String(200), nullable=False),
    Column("resource_version", Integer, nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("provider_id", String(60), nullable=False, index=True),
    Column("state", String(20), nullable=False),
    Column("stages", JsonDocument, nullable=False),
    Column("at_stage", Integer, nullable=False),
    Column("offered", JsonDocument, nullable=False),
    Column("clock", JsonDocument),
    Column("stage", String(40)),
    Column("asks", String(60)),
    Column("due_on", Date),
    Column("warned_at", UtcDateTime),
    Column("late_at", UtcDateTime),
    Column("urged", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("submitted_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Column("grant_id", String(40)),
    Column("afar", JsonDocument),
)

exchange_grant = Table(
    "exchange_grant",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("request_id", String(40)),
    Column("resource_id", String(40), nullable=False),
    Column("resource_name", String(200), nullable=False),
    Column("table_name", String(200), nullable=False, index=True),
    Column("provider_id", String(60), nullable=False, index=True),
    Column("org_id", String(60), nullable=False, index=True),
    Column("grantee_kind", String(20), nullable=False),
    Column("grantee_id", String(60), nullable=False),
    Column("terms", JsonDocument, nullable=False),
    Column("levels", JsonDocument, nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("use", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("agreement", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("until", Date, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("reason", Text, nullable=False),
)

exchange_step = Table(
    "exchange_step",
    metadata,
    Column("matter_id", String(40), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(60), nullable=False),
    Column("name", String(200), nullable=False),
    Column("org_id", String(60)),
    Column("behalf", String(200), nullable=False),
    Column("move", String(20), nullable=False),
    Column("stage", String(40), nullable=False),
    Column("words", Text, nullable=False),
    Column("detail", JsonDocument, nullable=False),
)
"""What happened to requests and grants, in order."""

exchange_opening = Table(
    "exchange_opening",
    metadata,
    Column("resource_id", String(40), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("who", Text, nullable=False),
    Column("purposes", JsonDocument, nullable=False),
    Column("ways", JsonDocument, nullable=False),
    Column("duties", Text, nullable=False),
    Column("months", Integer, nullable=False),
    Column("agreement", Text, nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""Versions of the conditions on which a set is open; none is ever changed."""

exchange_usage = Table(
    "exchange_usage",
    metadata,
    Column("grant_id", String(40), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
)

exchange_delegation = Table(
    "exchange_delegation",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60)),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("to", String(60), nullable=False),
    Column("to_name", String(200), nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index("ix_exchange_delegation_to", "to"),
)

exchange_demand = Table(
    "exchange_demand",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False, index=True),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("title", String(200), nullable=False),
    Column("draft", JsonDocument, nullable=False),
    Column("state", String(20), nullable=False),
    Column("source_org", String(60), index=True),
    Column("named_org", String(60)),
    Column("fulfilment", String(30)),
    Column("resource_id", String(40)),
    Column("supply_by", Date),
    Column("evaluation", String(20)),
    Column("clock", JsonDocument),
    Column("urged", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)

exchange_epoch = Table(
    "exchange_epoch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("value", Integer, nullable=False),
)
"""One row; it rises with every change of a grant, so that one short read tells whether what is remembered still holds."""

exchange_recall = Table(
    "exchange_recall",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("resource_id", String(40), nullable=False),
    Column("resource_name", String(200), nullable=False),
    Column("table_name", String(200), nullable=False, index=True),
    Column("provider_id", String(60), nullable=False, index=True),
    Column("versions", JsonDocument, nullable=False),
    Column("reason", Text, nullable=False),
    Column("remedy", String(20), nullable=False),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("served", Integer),
    Column("outside", Integer, nullable=False),
)

exchange_recall_duty = Table(
    "exchange_recall_duty",
    metadata,
    Column("recall_id", String(40), primary_key=True),
    Column("org_id", String(60), primary_key=True),
    Column("reads", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("kept", String(20)),
    Column("words", Text, nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime),
    Column("clock", JsonDocument),
    Column("urged", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
)
"""What each department that received has to confirm."""

exchange_dispute = Table(
    "exchange_dispute",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("org_id", String(60), nullable=False, index=True),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("against", String(60), nullable=False, index=True),
    Column("subject", String(40), nullable=False),
    Column("title", String(300), nullable=False),
    Column("words", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("outcome", String(20)),
    Column("basis", Text, nullable=False),
    Column("clock", JsonDocument),
    Column("raise_limit", JsonDocument),
    Column("urged", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)

exchange_rating = Table(
    "exchange_rating",
    metadata,
    Column("resource_id", String(40), primary_key=True),
    Column("org_id", String(60), primary_key=True),
    Column("stars", Integer, nullable=False),
    Column("words", Text, nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("answer", Text, nullable=False),
    Column("answered_by", String(200), nullable=False),
    Column("answered_at", UtcDateTime),
)
"""What departments think of what they got; the newest word of each."""

exchange_template = Table(
    "exchange_template",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False, index=True),
    Column("resource_id", String(40), nullable=False, unique=True),
    Column("entry", JsonDocument, nullable=False),
    Column("basis", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

exchange_claim = Table(
    "exchange_claim",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("template_id", String(40), nullable=False),
    Column("template_version", Integer, nullable=False),
    Column("name", String(300), nullable=False),
    Column("org_id", String(60), nullable=False, index=True),
    Column("state", String(20), nullable=False),
    Column("resource_id", String(40), nullable=False, index=True),
    Column("named", String(60), nullable=False),
    Column("clock", JsonDocument),
    Column("urged", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    UniqueConstraint("template_id", "template_version", "org_id"),
)

exchange_profile = Table(
    "exchange_profile",
    metadata,
    Column("key_id", String(40), primary_key=True),
    Column("person_id", String(60), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("issued_at", UtcDateTime, nullable=False),
)
"""Which API keys have a profile of Delta Sharing; the digest is of its token, which nobody keeps."""

exchange_serving = Table(
    "exchange_serving",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("table_id", String(60), nullable=False),
    Column("provider_id", String(60), nullable=False),
    Column("columns", JsonDocument, nullable=False),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

exchange_serving_copy = Table(
    "exchange_serving_copy",
    metadata,
    Column("print", String(64), primary_key=True),
    Column("table_name", String(200), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("indexes", JsonDocument, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("note_zh", Text, nullable=False),
    Column("note_en", Text, nullable=False),
    Column("at", UtcDateTime),
)

exchange_mark = Table(
    "exchange_mark",
    metadata,
    Column("receipt", String(60), primary_key=True),
    Column("grant_id", String(40), nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("org_id", String(60)),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("columns", JsonDocument, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_exchange_mark_table", "table_name", "version"),
)

exchange_package = Table(
    "exchange_package",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("by", String(60), nullable=False, index=True),
    Column("table_name", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("obligations", String(64), nullable=False),
    Column("grant_id", String(40), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("receipt", String(60), nullable=False),
    Column("file_name", String(300), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sm3", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

exchange_push = Table(
    "exchange_push",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("grant_id", String(40), nullable=False, index=True),
    Column("org_id", String(60), nullable=False, index=True),
    Column("provider_id", String(60), nullable=False, index=True),
    Column("table_name", String(200), nullable=False),
    Column("resource_name", String(200), nullable=False),
    Column("name", String(100), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("target", String(300), nullable=False),
    Column("options", JsonDocument, nullable=False),
    Column("secrets", JsonDocument, nullable=False),
    Column("mode", String(20), nullable=False),
    Column("timing", JsonDocument),
    Column("owner_id", String(60), nullable=False),
    Column("owner_name", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("why", JsonDocument),
    Column("sequence", Integer, nullable=False),
    Column("version", Integer),
    Column("shape", String(64), nullable=False),
    Column("delivered_at", UtcDateTime),
    Column("next_at", UtcDateTime),
    Column("slow", Boolean, nullable=False),
    Column("lease", String(40), nullable=False),
    Column("lease_until", UtcDateTime),
    Column("place", Integer, nullable=False, server_default="1"),
    Column("owner_key", String(40), nullable=False, server_default=""),
    Column("revision", Integer, nullable=False),
)
"""Subscriptions: a granted table is pushed to a place of its consumer's."""

exchange_push_delivery = Table(
    "exchange_push_delivery",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("push_id", String(40), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("mode", String(20), nullable=False),
    Column("before", Integer),
    Column("version", Integer, nullable=False),
    Column("shape", String(64), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("sent", Boolean, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("error", JsonDocument),
    Column("rows", BigInteger, nullable=False),
    Column("gone", BigInteger, nullable=False),
    Column("moved", BigInteger, nullable=False),
    Column("receipt", String(60), nullable=False),
    Column("proof", JsonDocument),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    UniqueConstraint("push_id", "sequence", name="uq_exchange_push_delivery"),
)
"""Deliveries of subscriptions; the id is what the far side knows a repetition by."""

exchange_service = Table(
    "exchange_service",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("resource_id", String(40), nullable=False, index=True),
    Column("resource_name", String(200), nullable=False),
    Column("provider_id", String(60), nullable=False, index=True),
    Column("state", String(20), nullable=False),
    Column("live", Integer),
    Column("newest", Integer, nullable=False),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("revision", Integer, nullable=False),
)
"""Services that departments run; consumers call them here."""

exchange_service_version = Table(
    "exchange_service_version",
    metadata,
    Column("service_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(20), nullable=False),
    Column("spec", JsonDocument, nullable=False),
    Column("secret", Text, nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("tested_at", UtcDateTime),
    Column("offered_at", UtcDateTime),
)
"""What is declared of a service, version by version; the secret is sealed."""

exchange_service_breaker = Table(
    "exchange_service_breaker",
    metadata,
    Column("service_id", String(40), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("reason", String(60), nullable=False),
    Column("revision", Integer, nullable=False),
)
"""Whether calls go through; kept here, so that a restart or another process knows it too."""

exchange_service_rate = Table(
    "exchange_service_rate",
    metadata,
    Column("service_id", String(40), primary_key=True),
    Column("who", String(60), primary_key=True),
    Column("minute", UtcDateTime, primary_key=True),
    Column("calls", Integer, nullable=False),
)
"""Calls of the running minute: of each consumer, and of all (``*``)."""

exchange_service_call = Table(
    "exchange_service_call",
    metadata,
    Column("service_id", String(40), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("org_id", String(60), primary_key=True),
    Column("outcome", String(20), primary_key=True),
    Column("bucket", Integer, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("millis", Integer, nullable=False),
    Column("slowest", Integer, nullable=False),
)
"""Calls by day, consumer, outcome and span of time; no parameter and no value of an answer."""

exchange_service_probe = Table(
    "exchange_service_probe",
    metadata,
    Column("service_id", String(40), primary_key=True),
    Column("at", UtcDateTime, primary_key=True),
    Column("ok", Boolean, nullable=False),
    Column("millis", Integer, nullable=False),
    Column("reason", String(60), nullable=False),
)
"""Probes of offered services."""

exchange_count = Table(
    "exchange_count",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("question", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("told", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_exchange_count_asked", "org_id", "table_name"),
)
"""What a department was told by counts, by the digest of the question: the same question has the same answer."""
exchange_intersection = Table(
    "exchange_intersection",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("grant_id", String(40), nullable=False, index=True),
    Column("org_id", String(60), nullable=False),
    Column("by", String(60), nullable=False, index=True),
    Column("actor", JsonDocument, nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("columns", JsonDocument, nullable=False),
    Column("exit", String(20), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("obligations", String(64), nullable=False),
    Column("mine", Integer, nullable=False),
    Column("theirs", Integer, nullable=False),
    Column("least", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("told", Integer),
    Column("receipt", String(60), nullable=False),
    Column("error", JsonDocument),
    Column("secret", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
)
