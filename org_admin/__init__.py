"""The `org-selector` command of the administrator."""
