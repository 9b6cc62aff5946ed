"""A tenant that binds other Actions around ours, with a selector; no API and no app."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from local_stack.node import PROJECT
from local_stack.postgres import Postgres
from local_stack.seed import PASSWORD
from local_stack.stack import Ports, Stack, Starting
from local_tenant.configuration import Action, LinkedIdentity, TenantConfig, User

FOREIGN = PROJECT / "tests" / "actions" / "foreign"
CODE = "135790"  # of the second factor of joe@example.com
KATE = User(
    "auth0|kate",
    "kate@example.com",
    name="Kate",
    password=PASSWORD,
    linked=(
        LinkedIdentity("google-oauth2|42", "google-oauth2", "google-oauth2", "kate@gmail.example"),
    ),
)
Arrange = Callable[[Action, Action], tuple[Action, ...]]


class BoundStack(Stack):
    """
    Tenant and selector on free ports, and the database of the whole stack of this process.

    Args:
        arrange: is given keep-organization-hint and select-organization, and returns what the
            tenant binds.
    """

    def __init__(self, folder: Path, postgres: Postgres, arrange: Arrange) -> None:
        super().__init__(folder, Ports.free(), postgres=postgres)
        self._arrange = arrange

    def tenant_config(self, *, one_click: bool = False) -> TenantConfig:
        """Return the configuration; joe has a second factor, kate a linked account."""
        config = super().tenant_config(one_click=one_click)
        users = tuple(
            replace(user, factors={"otp": CODE}) if user.user_id == "auth0|joe" else user
            for user in config.users
        )
        return replace(config, users=(*users, KATE))

    def _actions(self) -> tuple[Action, ...]:
        keep, select = super()._actions()
        return self._arrange(keep, select)

    def _start_programs(self) -> list[Starting]:
        return [self._start_tenant(), self._start_selector()]


def foreign(name: str) -> Action:
    """
    Return another Action of the tenant.

    It acts only in logins whose `login_hint` has its name among its words, so that one tenant
    serves many tests.
    """
    return Action(name, FOREIGN / f"{name}.js")


def with_secrets(action: Action, **secrets: str) -> Action:
    """Return the Action with some of its secrets changed."""
    return replace(action, secrets={**action.secrets, **secrets})
