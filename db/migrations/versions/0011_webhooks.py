"""Outgoing webhooks: endpoints, and what is to be told to each."""

from db.migrations import run_sql_of

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_sql_of(revision)
