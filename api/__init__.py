"""The resource API: each request works in the one organization that its access token names."""
