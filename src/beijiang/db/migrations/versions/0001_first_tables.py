"""first tables."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_code_counter",
        sa.Column("prefix", sa.String(length=40), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_catalog_code_counter")),
    )
    op.create_table(
        "catalog_resource",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("table_name", sa.String(length=400), nullable=True),
        sa.Column("provider_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entry", JsonDocument, nullable=False),
        sa.Column("grades", JsonDocument, nullable=False),
        sa.Column("facts", JsonDocument, nullable=False),
        sa.Column("data_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("versions", sa.Integer(), nullable=False),
        sa.Column("released_table_version", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("submitted_by", sa.String(length=64), nullable=True),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("reviewer_org", sa.String(length=64), nullable=True),
        sa.Column("endorsed_by", sa.String(length=64), nullable=True),
        sa.Column("reasons", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_resource")),
        sa.UniqueConstraint("provider_id", "name", name=op.f("uq_catalog_resource_provider_id_name")),
        sa.UniqueConstraint("table_name", name=op.f("uq_catalog_resource_table_name")),
    )
    with op.batch_alter_table("catalog_resource", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalog_resource_provider_id"), ["provider_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_catalog_resource_state"), ["state"], unique=False)

    op.create_table(
        "catalog_search",
        sa.Column("position", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("resource_id", sa.String(length=32), nullable=False),
        sa.Column("slot", sa.String(length=1), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("is_inner", sa.Boolean(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.String(length=64), nullable=False),
        sa.Column("provider_name", sa.String(length=400), nullable=False),
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("sounds", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("fields", JsonDocument, nullable=False),
        sa.Column("facets", JsonDocument, nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("data_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_catalog_search")),
        sa.UniqueConstraint("resource_id", "slot", name=op.f("uq_catalog_search_resource_id_slot")),
    )
    with op.batch_alter_table("catalog_search", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalog_search_seq"), ["seq"], unique=False)

    op.create_table(
        "catalog_search_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_search_head")),
    )
    op.create_table(
        "column_grade",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("column_name", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("level", sa.String(length=2), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("personal", sa.String(length=1), nullable=False),
        sa.Column("mask", sa.String(length=60), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("evidence", JsonDocument, nullable=False),
        sa.Column("detected_level", sa.String(length=2), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("table_version", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.String(length=60), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_column_grade")),
        sa.UniqueConstraint(
            "table_name", "column_name", "revision", name=op.f("uq_column_grade_table_name_column_name_revision")
        ),
    )
    with op.batch_alter_table("column_grade", schema=None) as batch_op:
        batch_op.create_index("ix_column_grade_current", ["table_name", "is_current"], unique=False)

    op.create_table(
        "evidence_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_evidence_head_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_head")),
    )
    op.create_table(
        "evidence_record",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.String(length=100), nullable=False),
        sa.Column("org_id", sa.String(length=64), nullable=True),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("target", sa.String(length=400), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_evidence_record")),
        sa.UniqueConstraint("id", name=op.f("uq_evidence_record_id")),
    )
    with op.batch_alter_table("evidence_record", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_record_action", ["action", "sequence"], unique=False)
        batch_op.create_index("ix_evidence_record_actor_id", ["actor_id", "sequence"], unique=False)
        batch_op.create_index("ix_evidence_record_at", ["at"], unique=False)
        batch_op.create_index("ix_evidence_record_target", ["target", "sequence"], unique=False)

    op.create_table(
        "graded_table",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("columns", JsonDocument, nullable=False),
        sa.Column("graded_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_graded_table")),
    )
    op.create_table(
        "ingest_file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("landed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_ingest_file")),
    )
    op.create_table(
        "ingest_run",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("org_id", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.String(length=40), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("mode", sa.String(length=12), nullable=False),
        sa.Column("key", JsonDocument, nullable=False),
        sa.Column("request", JsonDocument, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("report", JsonDocument, nullable=True),
        sa.Column("error", JsonDocument, nullable=True),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_run")),
    )
    with op.batch_alter_table("ingest_run", schema=None) as batch_op:
        batch_op.create_index("ix_ingest_run_job", ["job_id"], unique=False)
        batch_op.create_index("ix_ingest_run_org", ["org_id", "id"], unique=False)
        batch_op.create_index("ix_ingest_run_table", ["table_name", "id"], unique=False)

    op.create_table(
        "ingest_schema",
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("columns", JsonDocument, nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_ingest_schema")),
    )
    op.create_table(
        "ingest_template",
        sa.Column("org_id", sa.String(length=40), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("header", JsonDocument, nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "table_name", name=op.f("pk_ingest_template")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("org_id", sa.String(length=40), nullable=True),
        sa.Column("actor", JsonDocument, nullable=False),
        sa.Column("actor_id", sa.String(length=40), nullable=False),
        sa.Column("arguments", JsonDocument, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("note_zh", sa.Text(), nullable=False),
        sa.Column("note_en", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("executor", sa.String(length=80), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=False),
        sa.Column("dispatched_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("result", JsonDocument, nullable=True),
        sa.Column("error", JsonDocument, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index("ix_job_state", ["state", "submitted_at"], unique=False)
        batch_op.create_index(
            "uq_job_open_key",
            ["key"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "job_executor",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("heartbeat_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_executor")),
    )
    op.create_table(
        "lake_table",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("key", JsonDocument, nullable=False),
        sa.Column("comments", JsonDocument, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("delta_version", sa.Integer(), nullable=False),
        sa.Column("columns", JsonDocument, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lake_table")),
        sa.UniqueConstraint("name", name=op.f("uq_lake_table_name")),
    )
    with op.batch_alter_table("lake_table", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lake_table_org_id"), ["org_id"], unique=False)

    op.create_table(
        "organisation",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name_zh", sa.String(length=100), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("short_zh", sa.String(length=100), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=True),
        sa.Column("parent_id", sa.String(length=40), nullable=True),
        sa.Column("region_code", sa.String(length=12), nullable=True),
        sa.Column("admin_tier", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("admin_tier BETWEEN 1 AND 3", name=op.f("ck_organisation_tier")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["organisation.id"], name=op.f("fk_organisation_parent_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("uscc", name=op.f("uq_organisation_uscc")),
    )
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.create_index("ix_organisation_parent_id", ["parent_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event", sa.String(length=100), nullable=False),
        sa.Column("subscriber", sa.String(length=100), nullable=False),
        sa.Column("payload", JsonDocument, nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_open", ["delivered_at", "id"], unique=False)

    op.create_table(
        "protection_secret",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_protection_secret")),
    )
    op.create_table(
        "row_rule",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("audience", sa.String(length=20), nullable=True),
        sa.Column("filters", JsonDocument, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.String(length=60), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_row_rule")),
    )
    with op.batch_alter_table("row_rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_row_rule_table_name"), ["table_name"], unique=False)

    op.create_table(
        "sign_in_attempt",
        sa.Column("login_digest", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("login_digest", name=op.f("pk_sign_in_attempt")),
    )
    with op.batch_alter_table("sign_in_attempt", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_attempt_last_at", ["last_at"], unique=False)

    op.create_table(
        "catalog_code",
        sa.Column("prefix", sa.String(length=40), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("resource_id", sa.String(length=32), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("allocated_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["catalog_resource.id"], name=op.f("fk_catalog_code_resource_id_catalog_resource")
        ),
        sa.PrimaryKeyConstraint("prefix", "sequence", name=op.f("pk_catalog_code")),
    )
    with op.batch_alter_table("catalog_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalog_code_resource_id"), ["resource_id"], unique=False)

    op.create_table(
        "catalog_release",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("resource_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("table_version", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["catalog_resource.id"], name=op.f("fk_catalog_release_resource_id_catalog_resource")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_release")),
    )
    with op.batch_alter_table("catalog_release", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalog_release_resource_id"), ["resource_id"], unique=False)

    op.create_table(
        "catalog_step",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("resource_id", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["catalog_resource.id"], name=op.f("fk_catalog_step_resource_id_catalog_resource")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_step")),
    )
    with op.batch_alter_table("catalog_step", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalog_step_resource_id"), ["resource_id"], unique=False)

    op.create_table(
        "catalog_task",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("resource_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("rule_id", sa.String(length=64), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["catalog_resource.id"], name=op.f("fk_catalog_task_resource_id_catalog_resource")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_task")),
    )
    with op.batch_alter_table("catalog_task", schema=None) as batch_op:
        batch_op.create_index("ix_catalog_task_open", ["closed_at", "due_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_catalog_task_resource_id"), ["resource_id"], unique=False)

    op.create_table(
        "catalog_version",
        sa.Column("resource_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("profile", sa.String(length=32), nullable=False),
        sa.Column("table_version", sa.Integer(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("published_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["catalog_resource.id"], name=op.f("fk_catalog_version_resource_id_catalog_resource")
        ),
        sa.PrimaryKeyConstraint("resource_id", "number", name=op.f("pk_catalog_version")),
    )
    op.create_table(
        "ingest_delivery",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("org_id", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["ingest_file.sha256"], name=op.f("fk_ingest_delivery_sha256_ingest_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_delivery")),
    )
    with op.batch_alter_table("ingest_delivery", schema=None) as batch_op:
        batch_op.create_index("ix_ingest_delivery_file", ["sha256", "org_id"], unique=False)

    op.create_table(
        "ingest_resolution",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("resolved_by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["ingest_run.id"], name=op.f("fk_ingest_resolution_run_id_ingest_run")),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_ingest_resolution")),
    )
    op.create_table(
        "ingest_run_file",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["ingest_run.id"], name=op.f("fk_ingest_run_file_run_id_ingest_run")),
        sa.ForeignKeyConstraint(["sha256"], ["ingest_file.sha256"], name=op.f("fk_ingest_run_file_sha256_ingest_file")),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_ingest_run_file")),
    )
    with op.batch_alter_table("ingest_run_file", schema=None) as batch_op:
        batch_op.create_index("ix_ingest_run_file_sha256", ["sha256"], unique=False)

    op.create_table(
        "lake_version",
        sa.Column("table_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("delta_version", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.String(length=60), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("rows_added", sa.BigInteger(), nullable=False),
        sa.Column("rows_changed", sa.BigInteger(), nullable=False),
        sa.Column("rows_removed", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sources", JsonDocument, nullable=False),
        sa.Column("schema_change", JsonDocument, nullable=True),
        sa.Column("run_id", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["table_id"], ["lake_table.id"], name=op.f("fk_lake_version_table_id_lake_table")),
        sa.PrimaryKeyConstraint("table_id", "version", name=op.f("pk_lake_version")),
        sa.UniqueConstraint("table_id", "delta_version", name=op.f("uq_lake_version_table_id_delta_version")),
        sa.UniqueConstraint("table_id", "run_id", name=op.f("uq_lake_version_table_id_run_id")),
    )
    op.create_table(
        "organisation_region",
        sa.Column("org_id", sa.String(length=40), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["organisation.id"], name=op.f("fk_organisation_region_org_id_organisation")
        ),
        sa.PrimaryKeyConstraint("org_id", "region_code", name=op.f("pk_organisation_region")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("org_id", sa.String(length=40), nullable=True),
        sa.Column("office", sa.String(length=5), nullable=False),
        sa.Column("admin_role", sa.String(length=20), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("code_digest", sa.String(length=64), nullable=True),
        sa.Column("code_expires_at", UtcDateTime(), nullable=True),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(office = 'data' AND admin_role IS NULL) OR (office = 'admin' AND admin_role IN ('audit_admin', 'sec_admin', 'sys_admin'))",
            name=op.f("ck_person_office"),
        ),
        sa.ForeignKeyConstraint(["org_id"], ["organisation.id"], name=op.f("fk_person_org_id_organisation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("id", "office", name=op.f("uq_person_id_office")),
        sa.UniqueConstraint("login", name=op.f("uq_person_login")),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.create_index("ix_person_org_id", ["org_id"], unique=False)

    op.create_table(
        "api_key",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", JsonDocument, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_api_key_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_key_digest")),
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index("ix_api_key_person_id", ["person_id"], unique=False)

    op.create_table(
        "person_role",
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("office", sa.String(length=5), server_default="data", nullable=False),
        sa.CheckConstraint("office = 'data'", name=op.f("ck_person_role_office")),
        sa.CheckConstraint(
            "role IN ('analyst', 'bureau_publisher', 'bureau_reviewer', 'member', 'org_reviewer', 'steward')",
            name=op.f("ck_person_role_role"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id", "office"], ["person.id", "person.office"], name=op.f("fk_person_role_person_id_office_person")
        ),
        sa.PrimaryKeyConstraint("person_id", "role", name=op.f("pk_person_role")),
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("idle_seconds", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_session_person_id_person")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_session")),
        sa.UniqueConstraint("id", name=op.f("uq_session_id")),
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index("ix_session_expires_at", ["expires_at"], unique=False)
        batch_op.create_index("ix_session_person_id", ["person_id"], unique=False)

    # The word index is no ordinary table on either database.
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE catalog_fts USING fts5(name, words, fields, sound, tokenize = 'ascii')")
    else:
        op.execute("CREATE TABLE catalog_words (position integer PRIMARY KEY, terms tsvector NOT NULL)")
        op.execute("CREATE INDEX ix_catalog_words_terms ON catalog_words USING gin (terms)")


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
