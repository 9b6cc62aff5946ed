'use strict';
/**
 * A person returns from the picker, or an attacker pretends to.
 * Beside each attack the honest return passes. Each attack runs twice: with Auth0's validateToken as
 * the tenant has it, and with one that checks the signature only, because Auth0 does not document
 * which other checks it makes.
 */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const login = require('./login.js');
const { ORGANIZATION } = require('./selector.js');

const { comeBack, ending, selectionClaims, sign, withLaxValidation } = login;
const OLD_SECRET = 'selection-secret-before-rotation';
const OTHER_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const now = () => Math.floor(Date.now() / 1000);

/** Require that the return ends in selection_failed and the selector is not asked. */
async function requireRefused(scene) {
  const refused = await comeBack(scene);

  assert.deepEqual([ending(refused), refused.received.length], ['selection_failed', 0]);
}

async function requireAccepted(scene) {
  assert.equal(ending(await comeBack(scene)), 'organization');
}

test('an honest return goes on with the organization that was chosen', async () => {
  for (const changeApi of [undefined, withLaxValidation]) {
    const back = await comeBack({ changeApi });

    assert.equal(ending(back), 'organization');
    assert.equal(back.question.choice.org_id, ORGANIZATION.id);
  }
});

const WRONG_CLAIMS = {
  aud: ['org-selector/select', 'org-selector/decisions', ['select-organization'], '', null, undefined, true],
  iss: ['attacker.eu.auth0.com', `https://${login.HOSTNAME}`, `${login.HOSTNAME}/`, [login.HOSTNAME], '', null, undefined],
  sub: ['auth0|ann', 'auth0|joe ', 'AUTH0|JOE', ['auth0|joe'], '', null, undefined, 7],
  state: ['another-login', '', [login.STATE], null, undefined, 7],
  nonce: ['ZoNcE0123456789abcdefg', '', [login.NONCE], null, undefined, 7, true],
  org_id: [
    ORGANIZATION.id.toUpperCase(), ORGANIZATION.id.slice(1), `0${ORGANIZATION.id}`, `${ORGANIZATION.id}\n`, ORGANIZATION.slug,
    [ORGANIZATION.id], { id: ORGANIZATION.id }, '', '*', null, undefined, 7, true,
  ],
  remember: ['true', 'false', 1, 0, null, undefined, [], {}],
  forget: ['true', 'false', 1, 0, null, undefined, [], {}],
};
for (const [claim, values] of Object.entries(WRONG_CLAIMS)) {
  for (const value of values) {
    test(`a token whose ${claim} is ${JSON.stringify(value)} is refused`, async () => {
      for (const changeApi of [undefined, withLaxValidation]) {
        await requireAccepted({ changeApi });
        await requireRefused({ changeApi, claims: { [claim]: value } });
      }
    });
  }
}

for (const [name, times] of Object.entries({
  'lives 301 s': () => ({ iat: now(), exp: now() + 301 }),
  'lives a day': () => ({ iat: now(), exp: now() + 86400 }),
  'has no iat': () => ({ iat: undefined }),
  'has no exp': () => ({ exp: undefined }),
  'has an iat that is text': () => ({ iat: 'now' }),
  'has an exp that is text': () => ({ exp: 'later' }),
  'has an exp that is an object': () => ({ exp: {} }),
})) {
  test(`a token that ${name} is refused`, async () => {
    for (const changeApi of [undefined, withLaxValidation]) {
      await requireAccepted({ changeApi, claims: { iat: now(), exp: now() + 300 } });
      await requireRefused({ changeApi, claims: times() });
    }
  });
}

test('a return after the token has expired is refused', async () => {
  await requireAccepted({ claims: { iat: now() - 290, exp: now() + 10 } });
  await requireRefused({ claims: { iat: now() - 301, exp: now() - 1 } });
});

for (const [name, claims] of Object.entries({
  'no choice': { org_id: undefined },
  'an organization and an invitation': { invitation_id: OTHER_ID },
  'an organization and a new one': { new_organization: 'Evil Corp' },
  'an invitation and a new organization': { org_id: undefined, invitation_id: OTHER_ID, new_organization: 'Evil Corp' },
  'all three': { invitation_id: OTHER_ID, new_organization: 'Evil Corp' },
  'an organization and an empty invitation': { invitation_id: '' },
  'an organization and a new one that is null': { new_organization: null },
})) {
  test(`a token that holds ${name} is refused`, async () => {
    for (const changeApi of [undefined, withLaxValidation]) {
      await requireAccepted({ changeApi });
      await requireRefused({ changeApi, claims });
    }
  });
}

for (const [name, value] of [['invitation_id', OTHER_ID], ['new_organization', 'Acme & S\u00f6hne'], ['new_organization', '\u{1F9ED}'.repeat(200)]]) {
  test(`a choice of ${name} goes on with the organization that the selector names`, async () => {
    for (const changeApi of [undefined, withLaxValidation]) {
      const back = await comeBack({ changeApi, claims: { org_id: undefined, [name]: value } });

      assert.equal(ending(back), 'organization');
      assert.equal(back.question.choice[name], value);
      assert.equal(back.question.choice.org_id, undefined);
    }
  });
}

for (const [name, values] of Object.entries({
  invitation_id: [OTHER_ID.toUpperCase(), OTHER_ID.slice(1), `${OTHER_ID}\n`, 'invited', '', null, 7, [OTHER_ID], {}, true],
  new_organization: ['', 'a'.repeat(201), 'a\0b', 'a\ud800', null, 7, ['Acme'], {}, true],
})) {
  for (const value of values) {
    test(`a token whose ${name} is ${JSON.stringify(value)?.slice(0, 40)} is refused`, async () => {
      const right = name === 'invitation_id' ? OTHER_ID : 'Acme';
      for (const changeApi of [undefined, withLaxValidation]) {
        await requireAccepted({ changeApi, claims: { org_id: undefined, [name]: right } });
        await requireRefused({ changeApi, claims: { org_id: undefined, [name]: value } });
      }
    });
  }
}

test('a token of another login of the same person is refused by its nonce', async () => {
  const change = (event) => { event.transaction.metadata.org_selector_nonce = 'another-login-nonce-22'; };

  await requireAccepted();
  await requireRefused({ change });
});

for (const [name, metadata] of [['no metadata', undefined], ['no nonce', {}], ['a number as nonce', { org_selector_nonce: 7 }]]) {
  test(`a login that was never at the picker, with ${name}, accepts no token`, async () => {
    const change = (event) => { event.transaction.metadata = metadata; };

    for (const nonce of [login.NONCE, undefined, null, 7, '', 'undefined']) await requireRefused({ change, claims: { nonce } });
  });
}

test('a return with the token of another person is refused', async () => {
  for (const changeApi of [undefined, withLaxValidation]) {
    await requireRefused({ changeApi, change: (event) => { event.user.user_id = 'auth0|ann'; } });
  }
});

test('a token for the canonical domain is refused at the custom one', async () => {
  const change = (event) => { event.request.hostname = 'login.acme.example'; };

  await requireAccepted({ change, claims: { iss: 'login.acme.example' } });
  for (const changeApi of [undefined, withLaxValidation]) await requireRefused({ changeApi, change });
  await requireRefused({ change, assumptions: { return_token_iss_enforced: false } });
});

// Auth0 finds the login by the query's state. It does not document where an Action sees it.
for (const [name, change] of Object.entries({
  'in the query': () => {},
  'in the query and the form': ({ request }) => { request.body.state = login.STATE; },
  'in the form': ({ request }) => { request.query = {}; request.body.state = login.STATE; },
})) {
  test(`a return whose state Auth0 shows ${name} is accepted`, async () => {
    for (const changeApi of [undefined, withLaxValidation]) await requireAccepted({ change, changeApi });
  });
}

test('a return whose state Auth0 shows nowhere is accepted by its nonce alone', async () => {
  const change = ({ request }) => { delete request.query; };
  const stranger = (event) => { change(event); event.transaction.metadata.org_selector_nonce = 'another-login-nonce-22'; };

  await requireAccepted({ change, changeApi: withLaxValidation });
  await requireRefused({ change: stranger, changeApi: withLaxValidation });
});

test('a return is asked as a page, whatever Auth0 shows as its protocol', async () => {
  for (const protocol of ['oidc-basic-profile', 'redirect-callback', undefined]) {
    const back = await comeBack({ change: (event) => { event.transaction.protocol = protocol; } });

    assert.deepEqual([ending(back), back.question.interaction], ['organization', 'page']);
  }
});

for (const [name, inBody, ofToken] of [
  ['another login, token and all', 'another-login', 'another-login'],
  ['another login, the token of this one', 'another-login', login.STATE],
  ['nothing', '', login.STATE],
  ['a list', [login.STATE], login.STATE],
  ['null', null, login.STATE],
]) {
  test(`a form that names ${name} as its state is refused, whether or not the query names this login`, async () => {
    for (const query of [{ state: login.STATE }, {}]) {
      const change = ({ request }) => { Object.assign(request, { query, body: { ...request.body, state: inBody } }); };
      const other = inBody === ofToken && query.state === undefined; // then only the nonce tells
      const nonce = other ? 'another-login-nonce-22' : login.NONCE;

      for (const changeApi of [undefined, withLaxValidation]) await requireRefused({ change, changeApi, claims: { state: ofToken, nonce } });
      await requireRefused({ change, claims: { state: ofToken, nonce }, assumptions: { body_state_overrides: false } });
    }
  });
}

test('a token in the query of a GET is accepted, as Auth0 allows', async () => {
  await requireAccepted({
    change: ({ request }) => {
      request.query.selection_token = request.body.selection_token;
      delete request.body;
    },
  });
});

test('a return without a token, or with one under the session token\'s name, is refused', async () => {
  await requireRefused({ change: (event) => { event.request.body = {}; } });
  await requireRefused({ change: (event) => { event.request.body = { session_token: sign(selectionClaims()) }; } });
});

for (const [name, signing] of Object.entries({
  'the session secret': { secret: login.SESSION_SECRET },
  'a secret outside the list': { secret: 'this-secret-is-not-in-any-list-x' },
  'the empty key': { secret: '' },
  'both secrets as one': { secret: `${login.SELECTION_SECRET} ${OLD_SECRET}` },
})) {
  test(`a token signed with ${name} is refused`, async () => {
    for (const changeApi of [undefined, withLaxValidation]) {
      await requireRefused({ changeApi, signing, secrets: { SELECTION_TOKEN_SECRETS: `${login.SELECTION_SECRET} ${OLD_SECRET}` } });
    }
  });
}

for (const alg of ['none', 'None', 'NONE', 'HS512', 'RS256', '']) {
  test(`a token whose header says alg ${JSON.stringify(alg)} is refused`, async () => {
    const header = { alg, typ: 'JWT' };
    const unsigned = `${sign(selectionClaims(), { header }).split('.').slice(0, 2).join('.')}.`;

    await requireAccepted();
    await requireRefused({ signing: { header } });
    await requireRefused({ token: unsigned });
  });
}

for (const [name, token] of Object.entries({
  'empty': '', 'a word': 'token', 'three dots': '...', 'a list': ['a', 'b'], 'an object': { a: 1 },
})) {
  test(`a token that is ${name} is refused`, async () => {
    await requireRefused({ token });
  });
}

test('a token with one changed byte is refused', async () => {
  const token = sign(selectionClaims());

  await requireAccepted({ token });
  for (const at of [10, token.indexOf('.') + 10, token.lastIndexOf('.') + 10]) {
    await requireRefused({ token: `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}` });
  }
});

test('the Action\'s own session token is refused as a choice', async () => {
  const claims = { aud: 'org-selector/select', client_id: 'spa', hint: '', notice: '', jti: undefined };

  await requireRefused({ claims, signing: { secret: login.SESSION_SECRET } });
  await requireRefused({ claims });
});

test('during a rotation each secret of the list is accepted, and no other', async () => {
  const secrets = { SELECTION_TOKEN_SECRETS: `${login.SELECTION_SECRET} ${OLD_SECRET}` };

  for (const secret of [login.SELECTION_SECRET, OLD_SECRET]) await requireAccepted({ secrets, signing: { secret } });
  await requireRefused({ signing: { secret: OLD_SECRET } });
});

test('the Action asks with the choice in the token, its nonce and what becomes of the default', async () => {
  for (const [remember, forget] of [[true, false], [false, true], [false, false]]) {
    const { question } = await comeBack({ claims: { remember, forget } });

    assert.deepEqual(question.choice, { org_id: ORGANIZATION.id, nonce: login.NONCE, remember, forget });
  }
});

test('a form field of the return does not change the choice', async () => {
  const { question } = await comeBack({
    change: (event) => { Object.assign(event.request.body, { org_id: OTHER_ID, remember: 'true', nonce: 'x' }); },
  });

  assert.deepEqual(question.choice, { org_id: ORGANIZATION.id, nonce: login.NONCE, remember: false, forget: false });
});
