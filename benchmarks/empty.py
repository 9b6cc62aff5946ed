"""The minimum that every request costs: an app with one view that does nothing."""

from flask import Flask

app = Flask(__name__, static_folder=None)


@app.get("/empty")
def empty() -> str:
    """Answer with two bytes."""
    return "ok"
