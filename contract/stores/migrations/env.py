"""What Alembic runs for each change of the tables: on the connection, and in the transaction, that `sql.migrate` holds."""

from __future__ import annotations

from alembic import context

from contract.stores.sql import metadata


def run() -> None:
    context.configure(
        connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
    )
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # the name under which Alembic loads this file
    run()
