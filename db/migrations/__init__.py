"""Numbered, forward-only migrations in plain SQL. `versions/` names each one to Alembic, which keeps track of them; see db/migrate.py."""

from pathlib import Path

from alembic import op

FOLDER = Path(__file__).parent


def run_sql_of(revision: str) -> None:
    """Run the file `NNNN_name.sql` of this revision, all its statements at once, in Alembic's transaction."""
    (path,) = FOLDER.glob(f"{revision}_*.sql")
    sql = path.read_text(encoding="utf-8")
    op.get_bind().connection.dbapi_connection.run_async(lambda raw: raw.execute(sql))  # type: ignore[union-attr]  # SQLAlchemy's asyncpg adapter
