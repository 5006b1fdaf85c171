"""How long things are kept, and what was deleted."""

from db.migrations import run_sql_of

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql_of(revision)
