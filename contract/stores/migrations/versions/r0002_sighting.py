"""What a finding was told as moves to a table of its own, so that a report that tells the same again rewrites none of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sighting",
        sa.Column("finding_id", KEY, nullable=False, autoincrement=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_sighting_finding_id")),
        sa.PrimaryKeyConstraint("finding_id", name=op.f("pk_sighting")),
    )
    # No digest is empty: the next report writes each row that it tells.
    op.execute(
        'INSERT INTO sighting (finding_id, digest, place, "row") '
        "SELECT finding.id, '', finding.place, finding.\"row\" FROM finding"
    )
    op.drop_column("finding", "place")
    op.drop_column("finding", "row")
    op.drop_index(op.f("ix_finding_report_id"), table_name="finding")


def downgrade() -> None:
    op.create_index(op.f("ix_finding_report_id"), "finding", ["report_id"], unique=False)
    for name in ("place", "row"):
        # SQLite can neither add a column that must be filled and has no default, nor take the default away afterwards.
        op.add_column("finding", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.execute(
        "UPDATE finding SET place = (SELECT sighting.place FROM sighting WHERE sighting.finding_id = finding.id), "
        '"row" = (SELECT sighting."row" FROM sighting WHERE sighting.finding_id = finding.id)'
    )
    if op.get_bind().dialect.name == "postgresql":
        for name in ("place", "row"):
            op.alter_column("finding", name, server_default=None)
    op.drop_table("sighting")
