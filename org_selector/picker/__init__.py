"""The page on which a person chooses one organization in the middle of a login."""
