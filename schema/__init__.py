"""The schema of the database: numbered SQL files, and `migrate`, which applies them."""
