"""The picker: decides for Auth0, and lets a person choose, which organization a login is for."""
