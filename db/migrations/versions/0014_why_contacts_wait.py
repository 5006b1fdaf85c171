"""Why contacts wait is found by the index of who is due."""

from db.migrations import run_sql_of

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql_of(revision)
