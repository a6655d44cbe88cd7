"""The revisions of the tables; `sql.migrate` runs them."""
