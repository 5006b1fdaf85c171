"""The foundation."""

from db.migrations import run_sql_of

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql_of(revision)
