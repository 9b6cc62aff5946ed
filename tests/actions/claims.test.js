'use strict';
/** The tokens after a login hold exactly what the selector answered. */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { EVENTS, NAMESPACE, comeBack, ending, run } = require('./login.js');
const { ORGANIZATION, choose, organization, refuse } = require('./selector.js');

const OTHER = { id: 'ffffffff-ffff-ffff-ffff-ffffffffffff', slug: 'abc', name: 'ABC \u{1f9ed}', role: 'owner' };
const PLAN = { refresh_token_metadata: true };

function named({ id, role }, namespace = NAMESPACE) {
  return { [`${namespace}org_id`]: id, [`${namespace}org_role`]: role };
}

function described({ slug, name, ...rest }, namespace = NAMESPACE) {
  return { ...named(rest, namespace), [`${namespace}org_slug`]: slug, [`${namespace}org_name`]: name };
}

for (const [kind, makeEvent] of Object.entries(EVENTS)) {
  test(`a ${kind} login puts two claims into the access token and four into the ID token`, async () => {
    for (const each of [ORGANIZATION, OTHER]) {
      const login = await run({ event: makeEvent(), answer: organization(each) });

      assert.deepEqual(login.accessToken, named(each));
      assert.deepEqual(login.idToken, described(each));
    }
  });
}

test('a return from the picker sets the same claims', async () => {
  const login = await comeBack({ claims: { org_id: OTHER.id }, answer: organization(OTHER) });

  assert.deepEqual([login.accessToken, login.idToken], [named(OTHER), described(OTHER)]);
});

test('the claims come from the answer, not from the hint, the binding or an older token', async () => {
  const login = await run({
    event: EVENTS.refresh(),
    change: (event) => {
      event.request.body['ext-org'] = OTHER.id;
      event.client.metadata.organization = OTHER.id;
      event.refresh_token.metadata.org_id = OTHER.id;
    },
    secrets: { REMEMBER_IN_REFRESH_TOKEN: 'true' },
  });

  assert.deepEqual(login.accessToken, named(ORGANIZATION));
});

test('the claims have the customer\'s namespace and add at most 300 bytes to the access token', async () => {
  const namespace = 'https://claims.acme.example/v1/';
  assert.ok(namespace.length >= 30);
  const login = await run({ secrets: { CLAIM_NAMESPACE: namespace }, answer: organization(OTHER) });
  const json = (claims) => Buffer.from(JSON.stringify({ sub: 'auth0|joe', ...claims })).toString('base64url');

  assert.deepEqual(login.accessToken, named(OTHER, namespace));
  assert.deepEqual(login.idToken, described(OTHER, namespace));
  assert.ok(json(login.accessToken).length - json({}).length <= 300);
});

test('a login that ends at the picker or in a refusal sets no claim', async () => {
  for (const answer of [choose(), refuse('not_a_member')]) {
    const login = await run({ answer });

    assert.deepEqual([login.accessToken, login.idToken, login.refreshTokenMetadata], [{}, {}, []]);
  }
});

const WRITTEN = [['set', 'org_id', ORGANIZATION.id]];
for (const [setting, kind, written] of [
  ['true', 'page', WRITTEN], ['true', 'silent', WRITTEN], ['true', 'refresh', []],
  [undefined, 'page', []], ['false', 'page', []], ['', 'page', []],
]) {
  test(`REMEMBER_IN_REFRESH_TOKEN=${setting} at a ${kind} login writes ${JSON.stringify(written)}`, async () => {
    const login = await run({ event: EVENTS[kind](), secrets: { REMEMBER_IN_REFRESH_TOKEN: setting }, plan: PLAN });

    assert.deepEqual(login.refreshTokenMetadata, written);
  });
}

test('a choice at the picker is remembered in the refresh token, too', async () => {
  const login = await comeBack({ secrets: { REMEMBER_IN_REFRESH_TOKEN: 'true' }, plan: PLAN });

  assert.deepEqual(login.refreshTokenMetadata, WRITTEN);
});

test('a login goes on when Auth0 refuses the metadata, and the log says so', async () => {
  for (const start of [run, comeBack]) {
    const login = await start({
      secrets: { REMEMBER_IN_REFRESH_TOKEN: 'true' }, assumptions: { metadata_write_without_plan: 'throws' },
    });

    assert.equal(ending(login), 'organization');
    assert.equal(login.log, 'select-organization: the refresh token has no metadata (Error)\n');
  }
});

test('a login goes on when Auth0 throws no error but nothing', async () => {
  const changeApi = (api) => new Proxy(api, {
    get(target, name) {
      if (name === 'refreshToken') throw undefined;
      return target[name];
    },
  });

  assert.equal(ending(await run({ changeApi, secrets: { REMEMBER_IN_REFRESH_TOKEN: 'true' } })), 'organization');
});

test('a login without the setting goes on when the plan refuses metadata', async () => {
  assert.equal(ending(await run({ assumptions: { metadata_write_without_plan: 'throws' } })), 'organization');
});
