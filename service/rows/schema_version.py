"""The one statement that both services share."""

from service.pool import Database


def find_schema_version(database: Database) -> int:
    """Return the number of the newest migration that was applied, or 0."""
    [(version,)] = database.fetch("select coalesce(max(version), 0) from org.schema_migration")
    return int(version)
