"""Search among the contacts of a campaign."""

from db.migrations import run_sql_of

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql_of(revision)
