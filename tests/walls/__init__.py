"""Walls between the parts that import-linter cannot see; `make check` runs this folder."""
