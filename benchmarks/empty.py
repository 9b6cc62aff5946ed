"""The floor of every request: an app with one view that does nothing."""

from flask import Flask

app = Flask(__name__, static_folder=None)


@app.get("/empty")
def empty() -> str:
    """Answer."""
    return "ok"
