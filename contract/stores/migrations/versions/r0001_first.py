"""The first tables: projects, tokens, reports, findings, events, checks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "project",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("name", name=op.f("uq_project_name")),
    )
    op.create_table(
        "check",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_check_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_check_project_id_number")),
    )
    op.create_index(op.f("ix_check_state"), "check", ["state"], unique=False)
    op.create_table(
        "report",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=True),
        sa.Column("commit", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("tool_version", sa.Text(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("completeness_verdict", sa.Text(), nullable=False),
        sa.Column("completeness_part", sa.BigInteger(), nullable=True),
        sa.Column("completeness_whole", sa.BigInteger(), nullable=True),
        sa.Column("drift_verdict", sa.Text(), nullable=False),
        sa.Column("drift_count", sa.BigInteger(), nullable=True),
        sa.Column("exercised_part", sa.BigInteger(), nullable=False),
        sa.Column("exercised_whole", sa.BigInteger(), nullable=False),
        sa.Column("generation_verdict", sa.Text(), nullable=False),
        sa.Column("generation_part", sa.BigInteger(), nullable=True),
        sa.Column("generation_whole", sa.BigInteger(), nullable=True),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("body_bytes", sa.BigInteger(), nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_report_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("project_id", "run_id", name=op.f("uq_report_project_id_run_id")),
    )
    op.create_index(
        op.f("ix_report_project_id_environment_started_at_id"),
        "report",
        ["project_id", "environment", "started_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_report_project_id_started_at_id"), "report", ["project_id", "started_at", "id"], unique=False
    )
    op.create_table(
        "token",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("project_id", KEY, nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_token_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("public_id", name=op.f("uq_token_public_id")),
    )
    op.create_table(
        "finding",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_evidence", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("regressions", sa.Integer(), nullable=False),
        sa.Column("report_id", KEY, nullable=False),
        sa.Column("release", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_finding_project_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_finding_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint(
            "project_id", "environment", "fingerprint", name=op.f("uq_finding_project_id_environment_fingerprint")
        ),
    )
    op.create_index(
        op.f("ix_finding_project_id_environment_rank_id"),
        "finding",
        ["project_id", "environment", "rank", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_finding_project_id_environment_state_last_evidence_level"),
        "finding",
        ["project_id", "environment", "state", "last_evidence", "level"],
        unique=False,
    )
    op.create_index(op.f("ix_finding_project_id_rank_id"), "finding", ["project_id", "rank", "id"], unique=False)
    op.create_index(op.f("ix_finding_report_id"), "finding", ["report_id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("finding_id", KEY, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_event_finding_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_event_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_finding_id_id"), "event", ["finding_id", "id"], unique=False)
    op.create_index(op.f("ix_event_project_id_id"), "event", ["project_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_event_project_id_id"), table_name="event")
    op.drop_index(op.f("ix_event_finding_id_id"), table_name="event")
    op.drop_table("event")
    op.drop_index(op.f("ix_finding_report_id"), table_name="finding")
    op.drop_index(op.f("ix_finding_project_id_rank_id"), table_name="finding")
    op.drop_index(op.f("ix_finding_project_id_environment_state_last_evidence_level"), table_name="finding")
    op.drop_index(op.f("ix_finding_project_id_environment_rank_id"), table_name="finding")
    op.drop_table("finding")
    op.drop_table("token")
    op.drop_index(op.f("ix_report_project_id_started_at_id"), table_name="report")
    op.drop_index(op.f("ix_report_project_id_environment_started_at_id"), table_name="report")
    op.drop_table("report")
    op.drop_index(op.f("ix_check_state"), table_name="check")
    op.drop_table("check")
    op.drop_table("project")
