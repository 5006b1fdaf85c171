"""Counts of calls by half hour."""

from db.migrations import run_sql_of

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql_of(revision)
