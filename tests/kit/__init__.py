"""
Helpers of the tests: people, tokens and running apps.

This package has no tests. Tests import from here and not from each other.
"""
