"""A claim counts less, and the end of a call plans nothing."""

from db.migrations import run_sql_of

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql_of(revision)
