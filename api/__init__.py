"""The resource API: everything here happens inside the one organization that the token names."""
