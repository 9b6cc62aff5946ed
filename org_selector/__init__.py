"""The selector: decides for Auth0, or lets a person choose, which organization a login is for."""
