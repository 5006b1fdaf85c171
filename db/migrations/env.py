"""What Alembic runs: all that is missing, in one transaction, one process at a time."""

from alembic import context
from sqlalchemy import Connection, text

_LOCK = 0x63616C6C  # "call"

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, on_version_apply=context.config.attributes["applied"])
with context.begin_transaction():
    # No table of ours exists yet that could be locked; this lock ends with the transaction, so transaction poolers keep it too.
    connection.execute(text(f"select pg_advisory_xact_lock({_LOCK})"))
    context.run_migrations()
