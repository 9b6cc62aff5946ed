"""The `org-selector` command, for administrators."""

import sys


def main() -> None:
    """Run the command, or say what to install if only the base install is there."""
    try:
        from org_admin.cli import main as command
    except ModuleNotFoundError as error:
        sys.exit(f"{error}. Install the service too: pip install 'org-selector[service]'")
    command()
