"""What any API behind Auth0 imports to know which organization a request is for."""
