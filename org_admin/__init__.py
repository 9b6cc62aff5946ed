"""The `org-selector` command, for administrators."""
