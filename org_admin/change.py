"""What a command has changed: its audit event, and what it prints."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import click
import psycopg
from psycopg.types.json import Jsonb

CLIENT_ID = "org-selector"  # stands in audit events instead of an application


def add_audit_event(
    conn: psycopg.Connection,
    org_id: UUID,
    action: str,
    target_id: UUID,
    target_name: str | None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Record a change, in its transaction; the actor is no person, but this command."""
    conn.execute(
        """
        insert into org.audit_event (org_id, client_id, action, target_id, target_name, details)
        values (%s, %s, %s, %s, %s, %s)
        """,
        (org_id, CLIENT_ID, action, target_id, target_name, Jsonb(details or {})),
    )


def report(as_json: bool, sentence: str, **fields: Any) -> None:
    """Print what was done: a sentence for people, or one JSON object."""
    click.echo(json.dumps(fields, default=str) if as_json else sentence)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of a sentence."
)
