"""The SQL of both services: what a session with Postgres must have, and which schema it has."""
