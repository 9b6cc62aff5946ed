'use strict';
/**
 * Who is logging in, and how: a second factor before a choice, applications that act for a person,
 * Auth0's own Organizations, and accounts that are linked.
 */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { EVENTS, comeBack, ending, pageEvent, refreshEvent, run, silentEvent } = require('./login.js');
const { choose, organization } = require('./selector.js');

const REQUIRED = { REQUIRE_MFA: 'true' };
const proves = (...names) => (event) => { event.authentication = { methods: names.map((name) => ({ name })) }; };

// Auth0, "Redirect Actions for partners": all post-login Actions run before the tenant's MFA policy.
for (const [name, change] of Object.entries({
  'a password': proves('pwd'),
  'a federated login': proves('federated'),
  'nothing at all': proves(),
  'a method whose name contains mfa': proves('mfa-not-yet', 'MFA'),
  'methods that are missing': (event) => { event.authentication = {}; },
  'an authentication that is missing': (event) => { delete event.authentication; },
})) {
  test(`a thief with ${name} sees no picker and makes no choice where a second factor is required`, async () => {
    const first = await run({ secrets: REQUIRED, change, answer: choose() });
    assert.equal(ending(first), 'second_factor_required');
    assert.deepEqual(first.transactionMetadata, {});

    const back = await comeBack({ secrets: REQUIRED, change });
    assert.deepEqual([ending(back), back.received.length], ['second_factor_required', 0]);
  });
}

for (const change of [proves('pwd', 'mfa'), proves('mfa'), proves('passkey')]) {
  test('a person who proved a second factor, or used a passkey, chooses', async () => {
    assert.equal(ending(await run({ secrets: REQUIRED, change, answer: choose() })), 'picker');
    assert.equal(ending(await comeBack({ secrets: REQUIRED, change })), 'organization');
  });
}

test('a login that needs no choice passes with the password alone, since the MFA policy still follows', async () => {
  for (const event of [pageEvent(), silentEvent(), refreshEvent()]) {
    assert.equal(ending(await run({ event, secrets: REQUIRED, answer: organization() })), 'organization');
  }
});

test('a silent login that needs a choice ends in interaction_required as before', async () => {
  assert.equal(ending(await run({ event: silentEvent(), secrets: REQUIRED, answer: choose() })), 'picker');
});

for (const setting of [undefined, '', 'false']) {
  test(`the password is enough to choose when REQUIRE_MFA is ${JSON.stringify(setting)}`, async () => {
    const secrets = { REQUIRE_MFA: setting };

    assert.equal(ending(await run({ secrets, answer: choose() })), 'picker');
    assert.equal(ending(await comeBack({ secrets })), 'organization');
  });
}

const exchange = (type, more) => (event) => {
  event.transaction = { protocol: 'oauth2-token-exchange', subject_token_type: type, ...more };
};
const APPLE = 'http://auth0.com/oauth/token-type/apple-authz-code';

for (const type of [APPLE, 'http://auth0.com/oauth/token-type/facebook-info-session-access-token', 'http://auth0.com/oauth/token-type/google-id-token']) {
  test(`a native social login with ${type} is asked about`, async () => {
    assert.equal(ending(await run({ event: refreshEvent(), change: exchange(type) })), 'organization');
  });
}

// Auth0, "Custom token exchange" and "On-behalf-of token exchange".
for (const [name, change] of Object.entries({
  'exchanges a token type of its own': exchange('https://acme.example/legacy-token'),
  'exchanges an access token': exchange('urn:ietf:params:oauth:token-type:access_token'),
  'exchanges a token type that begins like a native social one': exchange(`${APPLE}/x`),
  'exchanges a token of no type': exchange(undefined),
  'acts for a person': exchange(APPLE, { actor: { sub: 'client@clients' } }),
  'acts for a person in another protocol': (event) => { event.transaction.actor = { sub: 'agent' }; },
  'has a delegated session': (event) => { event.session = { id: 's', actor: { sub: 'agent' } }; },
})) {
  test(`an application that ${name} is denied and nothing is asked`, async () => {
    const login = await run({ event: refreshEvent(), change });

    assert.deepEqual([ending(login), login.received.length], ['organization_required', 0]);
  });
}

test('a login through Auth0\'s own Organizations is denied, at every kind of login', async () => {
  const change = (event) => { event.organization = { id: 'org_1', name: 'acme' }; };
  for (const start of [...Object.values(EVENTS).map((make) => (scene) => run({ event: make(), ...scene })), comeBack]) {
    const login = await start({ change });

    assert.equal(ending(await start({})), 'organization');
    assert.deepEqual([ending(login), login.received.length], ['organizations_conflict', 0]);
  }
});

test('a login whose organization and actor are null is one of the person themself', async () => {
  const login = await run({
    change: (event) => {
      event.organization = null;
      event.transaction.actor = null;
      event.session = { id: 's', actor: null };
    },
  });

  assert.equal(ending(login), 'organization');
});

test('a login through Auth0\'s own Organizations for another API passes untouched', async () => {
  const login = await run({
    change: (event) => {
      event.organization = { id: 'org_1' };
      event.resource_server.identifier = 'https://billing.example.com';
    },
  });

  assert.deepEqual([ending(login), login.received.length], ['nothing', 0]);
});

const PRIMARY = { connection: 'Username-Password-Authentication', provider: 'auth0', user_id: 'joe', isSocial: false };
const GOOGLE = {
  connection: 'google-oauth2', provider: 'google-oauth2', user_id: '42', isSocial: true,
  profileData: { email: 'joe@gmail.example', email_verified: true },
};

/** The identities in the question of a login by this connection. */
async function identitiesOf(connection, identities) {
  const { question } = await run({
    change: (event) => {
      event.connection = connection && { name: connection, strategy: 'x' };
      event.user.identities = identities;
    },
  });
  return question.user.identities;
}

for (const identities of [[PRIMARY, GOOGLE], [GOOGLE, PRIMARY]]) {
  test(`of linked accounts the address of the identity used now is sent, ${identities[0].provider} first`, async () => {
    assert.deepEqual(await identitiesOf('google-oauth2', identities), [
      { connection: 'google-oauth2', email: 'joe@gmail.example', email_verified: true },
    ]);
    assert.deepEqual(await identitiesOf('Username-Password-Authentication', identities), [
      { connection: 'Username-Password-Authentication', email: 'joe@example.com', email_verified: true },
    ]);
  });
}

test('a linked identity never lends the address of the primary profile', async () => {
  for (const profileData of [undefined, null, {}, { email: 7, email_verified: 'true' }]) {
    assert.deepEqual(await identitiesOf('google-oauth2', [PRIMARY, { ...GOOGLE, profileData }]), [
      { connection: 'google-oauth2', email: null, email_verified: false },
    ]);
  }
});

for (const [name, connection, identities, count] of [
  ['no connection', undefined, [PRIMARY, GOOGLE], 0],
  ['a connection of no identity', 'other', [PRIMARY, GOOGLE], 0],
  ['no identities', 'google-oauth2', undefined, 0],
  ['two identities of one connection', 'google-oauth2', [PRIMARY, GOOGLE, { ...GOOGLE, user_id: '43' }], 2],
  ['25 identities of one connection', 'google-oauth2', Array(25).fill(GOOGLE), 20],
]) {
  test(`a login with ${name} sends ${count} identities`, async () => {
    assert.equal((await identitiesOf(connection, identities)).length, count);
  });
}

test('an address of 320 characters is sent, a longer one is not', async () => {
  const long = (length) => [{ ...GOOGLE, profileData: { email: 'a'.repeat(length), email_verified: true } }];

  assert.equal((await identitiesOf('google-oauth2', long(320)))[0].email.length, 320);
  assert.equal((await identitiesOf('google-oauth2', long(321)))[0].email, null);
});
