"""
Helpers of the tests: people, tokens and running apps.

No test stands here, and no test imports another test.
"""
