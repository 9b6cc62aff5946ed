"""The selector does not start with a wrong environment, and names all mistakes at once."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from local_stack.node import PROJECT
from local_stack.processes import free_port
from org_selector.settings import SelectorSettings
from service.environment import Origins, PostgresUrl, Settings, SettingsError, Threads, read

SETTINGS = "python:service.gunicorn_settings"
VALID = {
    "AUTH0_DOMAIN": "example.eu.auth0.com login.example.com",
    "SESSION_TOKEN_SECRETS": "session-" + "s" * 32 + " session-" + "t" * 32,
    "SELECTION_TOKEN_SECRETS": "selection-" + "l" * 32,
    "DATABASE_URL": "postgresql://org_selector:tell-nobody@db.example.com/organizations",
    "SELECTOR_URL": "https://select.example.com/",
    "APP_ORIGINS": "https://app.example.com,http://localhost:3000",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A complete and right environment."""
    for name, value in VALID.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_complete_environment_is_read(environment: pytest.MonkeyPatch) -> None:
    """Lists may use spaces or commas, and no text of the settings shows a secret."""
    settings = read(SelectorSettings, "selector")

    assert settings.auth0_domain == ("example.eu.auth0.com", "login.example.com")
    assert len(settings.session_token_secrets) == 2
    assert settings.selector_url == "https://select.example.com"
    assert settings.app_origins == ("https://app.example.com", "http://localhost:3000")
    assert settings.trusted_email_connections is None
    for secret in ("s" * 32, "l" * 32, "tell-nobody"):
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Select.Example.com/", "https://select.example.com"),
        ("https://select.example.com:443", "https://select.example.com"),
        ("https://select.example.com:8443", "https://select.example.com:8443"),
        ("http://127.0.0.1:3020", "http://127.0.0.1:3020"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(
    environment: pytest.MonkeyPatch, given: str, origin: str
) -> None:
    """With another spelling, a form of our own page would look like another site's."""
    environment.setenv("SELECTOR_URL", given)

    assert read(SelectorSettings, "selector").selector_url == origin


def test_a_value_may_be_in_a_file_instead(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment wins over the file."""

    class Mounted(SelectorSettings):
        model_config = SettingsConfigDict(secrets_dir=tmp_path)

    environment.delenv("DATABASE_URL")
    environment.delenv("SESSION_TOKEN_SECRETS")
    (tmp_path / "database_url").write_text(VALID["DATABASE_URL"] + "\n")
    (tmp_path / "selector_url").write_text("https://another.example.com\n")
    with pytest.raises(SettingsError) as caught:
        read(Mounted, "selector")
    (tmp_path / "session_token_secrets").write_text(VALID["SESSION_TOKEN_SECRETS"] + "\n")
    settings = read(Mounted, "selector")

    assert str(caught.value).count("\n") == 1
    assert "SESSION_TOKEN_SECRETS is missing." in str(caught.value)
    assert settings.database_url.get_secret_value() == VALID["DATABASE_URL"]
    assert len(settings.session_token_secrets) == 2
    assert settings.selector_url == "https://select.example.com"


def test_each_service_names_itself_when_settings_are_missing(
    environment: pytest.MonkeyPatch,
) -> None:
    """The two services have different settings and the same form of message."""

    class OtherSettings(Settings):
        audience: str
        """The identifier of the API."""
        app_origins: Origins
        database_url: PostgresUrl
        threads: Threads = 4

    environment.setenv("AUDIENCE", "https://api.example.com/")
    assert read(OtherSettings, "API").threads == 4
    environment.delenv("AUDIENCE")
    environment.setenv("APP_ORIGINS", "nonsense")
    environment.setenv("DATABASE_URL", "nonsense")
    environment.setenv("THREADS", "65")
    with pytest.raises(SettingsError) as caught:
        read(OtherSettings, "API")
    environment.setenv("SELECTOR_URL", "nonsense")
    with pytest.raises(SettingsError) as selector:
        read(SelectorSettings, "selector")

    assert str(caught.value).splitlines() == [
        "The API cannot start:",
        "  AUDIENCE is missing. The identifier of the API.",
        "  APP_ORIGINS is an origin such as https://login.example.com, without a path",
        "  DATABASE_URL is not a Postgres URL with a database; percent-encode the password",
        "  THREADS Input should be less than or equal to 64",
    ]
    assert str(selector.value).startswith("The selector cannot start:\n")
    assert "SELECTOR_URL" in str(selector.value)


def test_a_secret_in_both_lists_is_named_together_with_other_mistakes(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SELECTION_TOKEN_SECRETS", VALID["SESSION_TOKEN_SECRETS"])
    environment.setenv("SELECTOR_URL", "nonsense")
    with pytest.raises(SettingsError) as caught:
        read(SelectorSettings, "selector")

    assert "must not share a secret" in str(caught.value)
    assert "SELECTOR_URL" in str(caught.value)


@pytest.mark.parametrize(
    ("service", "title", "not_its_own"),
    [("selector", "The selector", "AUTH0_AUDIENCE"), ("api", "The API", "SESSION_TOKEN_SECRETS")],
)
def test_gunicorn_stops_when_the_environment_is_wrong(
    environment: pytest.MonkeyPatch, service: str, title: str, not_its_own: str
) -> None:
    """After one message, instead of starting workers again and again."""
    environment.delenv("APP_ORIGINS")
    environment.delenv(not_its_own, raising=False)
    environment.setenv("PORT", str(free_port()))
    result = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", SETTINGS, f"wsgi:{service}"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    # Usually 3; 1 if gunicorn finds both workers dead at the same time.
    assert result.returncode in (1, 3)
    assert "Worker failed to boot" in result.stderr
    assert 1 <= result.stderr.count("APP_ORIGINS is missing.") <= 2
    assert f"{title} cannot start:" in result.stderr
    assert not_its_own not in result.stderr


def test_every_missing_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VALID:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError) as caught:
        read(SelectorSettings, "selector")

    for name in VALID:
        assert f"{name} is missing." in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH0_DOMAIN", "https://example.eu.auth0.com"),
        ("AUTH0_DOMAIN", "example.eu.auth0.com/"),
        ("AUTH0_DOMAIN", "EXAMPLE.eu.auth0.com"),
        ("AUTH0_DOMAIN", ""),
        ("SESSION_TOKEN_SECRETS", "short-and-secret"),
        ("SESSION_TOKEN_SECRETS", "x" * 40 + " short-and-secret"),
        ("SESSION_TOKEN_SECRETS", ""),
        ("SESSION_TOKEN_SECRETS", VALID["SELECTION_TOKEN_SECRETS"]),
        ("SESSION_TOKEN_SECRETS", "x" * 40 + " " + "x" * 40),
        ("SELECTION_TOKEN_SECRETS", "short-and-secret"),
        ("SELECTOR_URL", "http://select.example.com"),
        ("SELECTOR_URL", "https://select.example.com/path"),
        ("SELECTOR_URL", "select.example.com"),
        ("SELECTOR_URL", "javascript:alert(1)"),
        ("APP_ORIGINS", "https://app.example.com/path"),
        ("APP_ORIGINS", "http://app.example.com"),
        ("APP_ORIGINS", ""),
        ("SELECTOR_URL", "https://user:pass@select.example.com"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "postgresql://u:tell-nobody x@db.example.com/organizations"),
        ("DATABASE_URL", "postgresql://u:tell@nobody@db.example.com/organizations"),
        ("DATABASE_URL", "postgresql://u:tell/nobody@db.example.com/organizations"),
        ("DATABASE_URL", "postgresql//u:tell-nobody@db.example.com/organizations"),
        ("DATABASE_URL", "postgresql://u:tell-nobody@db.example.com"),
        ("THREADS", "0"),
        ("THREADS", "many"),
    ],
)
def test_a_setting_with_a_wrong_value_is_named_and_the_value_is_not_shown(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """The message says the cause and the next step; the value may be a secret."""
    assert read(SelectorSettings, "selector")
    environment.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read(SelectorSettings, "selector")

    assert name in str(caught.value)
    for secret in ("short-and-secret", "x" * 40, "l" * 32, "tell-nobody"):
        assert secret not in str(caught.value)


def test_an_example_environment_names_every_setting() -> None:
    """An administrator learns the settings from it."""
    example = (PROJECT / ".env.example").read_text()
    for field in SelectorSettings.model_fields:
        assert f"{field.upper()}=" in example
