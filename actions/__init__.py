"""The Actions in the layout of the Auth0 Deploy CLI, installed as `org_admin.actions`."""
