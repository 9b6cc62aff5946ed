"""
The API that a developer would write first, to compare the resource API with.

It uses PyJWKClient as its documentation shows and needs four round trips to Postgres. It reads the
same 20 projects under the same policies, but checks neither membership nor scope.
"""

import os

import jwt
from flask import Flask, Response, jsonify, request
from psycopg_pool import ConnectionPool

app = Flask(__name__, static_folder=None)
_keys = jwt.PyJWKClient(os.environ["KEYS_URL"])
_pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=4, max_size=4, open=True)


@app.get("/projects")
def list_projects() -> Response:
    """Answer with the newest projects."""
    token = request.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(
        token,
        _keys.get_signing_key_from_jwt(token),
        algorithms=["RS256"],
        audience=os.environ["AUTH0_AUDIENCE"],
        issuer=os.environ["ISSUER"],
    )
    with _pool.connection() as conn:
        org_id = claims[f"{os.environ['CLAIM_NAMESPACE']}org_id"]
        conn.execute("select set_config('app.org_id', %s, true)", (org_id,))
        rows = conn.execute(
            "select id::text, name, description, created_at, updated_at from org.project "
            "order by created_at desc, id desc limit 20"
        ).fetchall()
    return jsonify(
        items=[
            {
                "id": id_,
                "name": name,
                "description": description,
                "created_at": created_at.isoformat(),
                "updated_at": updated_at.isoformat(),
            }
            for id_, name, description, created_at, updated_at in rows
        ]
    )
