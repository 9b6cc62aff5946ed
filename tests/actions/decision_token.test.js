'use strict';
/** The decision token, by which the selector knows that the Action asks. */
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { test } = require('node:test');
const { EVENTS, HOSTNAME, SESSION_SECRET, comeBack, readToken, run } = require('./login.js');

const SECOND = 'session-secret-before-rotation-1';

/** The decision token of this login, verified under `secret`, and the request that held it. */
async function readDecisionToken(login, secret = SESSION_SECRET) {
  const [request] = (await login).received;
  const [scheme, token] = request.headers.authorization.split(' ');
  assert.equal(scheme, 'Bearer');
  return { ...readToken(token, secret), request };
}

test('the Action sends its question as a POST of JSON to /decisions', async () => {
  const { request } = await readDecisionToken(run());

  assert.deepEqual([request.method, request.url], ['POST', '/decisions']);
  assert.equal(request.headers['content-type'], 'application/json');
});

test('a path in SELECTOR_URL does not change where the question goes', async () => {
  const login = run({ change: (event) => { event.secrets.SELECTOR_URL += '/some/path?and=query'; } });

  assert.equal((await readDecisionToken(login)).request.url, '/decisions');
});

for (const kind of [...Object.keys(EVENTS), 'return from the picker']) {
  test(`the token of a ${kind} lives for 30 s and names the user and exactly this body`, async () => {
    const before = Math.floor(Date.now() / 1000);
    const login = kind in EVENTS ? run({ event: EVENTS[kind]() }) : comeBack();
    const { header, claims, request } = await readDecisionToken(login);

    assert.deepEqual(header, { alg: 'HS256', typ: 'JWT' });
    assert.ok(Number.isInteger(claims.iat) && claims.iat >= before && claims.iat <= Date.now() / 1000);
    assert.deepEqual(claims, {
      iss: HOSTNAME,
      sub: 'auth0|joe',
      aud: 'org-selector/decisions',
      iat: claims.iat,
      exp: claims.iat + 30,
      body_sha256: crypto.createHash('sha256').update(request.body).digest('hex'),
    });
  });
}

test('the token names the domain and the user of the login', async () => {
  const { claims } = await readDecisionToken(run({
    change: (event) => {
      event.request.hostname = 'login.acme.example';
      event.user.user_id = 'samlp|acme|J\u00f6rg \u{1f9ed}';
    },
  }));

  assert.deepEqual([claims.iss, claims.sub], ['login.acme.example', 'samlp|acme|J\u00f6rg \u{1f9ed}']);
});

test('the body that arrives is the body that was signed, with every character in a name', async () => {
  const { claims, request } = await readDecisionToken(run({
    change: (event) => { event.user.name = 'J\u00f6rg \u202e\u{1f9ed}\ud800"\\\n'; },
  }));

  assert.equal(claims.body_sha256, crypto.createHash('sha256').update(request.body).digest('hex'));
});

test('the first secret of the list signs during a rotation', async () => {
  const secrets = { SESSION_TOKEN_SECRETS: `${SECOND}  ${SESSION_SECRET}` };

  await readDecisionToken(run({ secrets }), SECOND);
  await assert.rejects(readDecisionToken(run({ secrets }), SESSION_SECRET));
});
