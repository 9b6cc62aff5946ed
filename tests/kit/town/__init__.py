"""A machine that lives through memberships: people, organizations, logins, and what ends them."""
