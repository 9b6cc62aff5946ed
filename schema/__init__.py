"""The schema of the database, as numbered SQL files, and what applies them."""
