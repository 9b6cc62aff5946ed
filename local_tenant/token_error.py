"""Errors of the token endpoint (RFC 6749 section 5.2)."""


class TokenError(Exception):
    """An error of the token endpoint: HTTP status, `error` and `error_description`."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(error)
        self.status, self.error, self.description = status, error, description
