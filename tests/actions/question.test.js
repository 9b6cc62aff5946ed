'use strict';
/** What the Action asks the selector for each kind of login. */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { EVENTS, NONCE, comeBack, ending, pageEvent, refreshEvent, run, silentEvent } = require('./login.js');
const { ORGANIZATION, choose } = require('./selector.js');

const PROTOCOLS = {
  'oidc-basic-profile': 'page',
  'oidc-implicit-profile': 'page',
  'oidc-hybrid-profile': 'page',
  'oidc-ciba': 'refresh',
  'oidc-ciba-web-link': 'refresh',
  'oauth2-device-code': 'refresh',
  'oauth2-resource-owner': 'refresh',
  'oauth2-resource-owner-jwt-bearer': 'refresh',
  'oauth2-password': 'refresh',
  'oauth2-webauthn': 'refresh',
  'oauth2-access-token': 'refresh',
  'oauth2-refresh-token': 'refresh',
  'oauth2-token-exchange': 'refresh',
  'a-protocol-of-next-year': 'refresh',
};
const QUESTION = {
  version: 1,
  user: {
    id: 'auth0|joe',
    email: 'joe@example.com',
    email_verified: true,
    name: 'Joe Miller',
    connection: 'Username-Password-Authentication',
    strategy: 'auth0',
    identities: [
      { connection: 'Username-Password-Authentication', email: 'joe@example.com', email_verified: true },
    ],
  },
  client_id: 'spa',
  interaction: 'page',
  hint: null,
  bound: null,
  remembered: null,
  invitation: null,
  prompt_select: false,
};

/** The question of a login of this kind, changed a little. */
async function ask(kind, change, scene) {
  return (await run({ event: EVENTS[kind](), change, ...scene })).question;
}

test('a login in a browser asks exactly this question', async () => {
  assert.deepEqual(await ask('page'), QUESTION);
});

test('a renewal in a hidden frame is asked as silent', async () => {
  assert.deepEqual(await ask('silent'), { ...QUESTION, interaction: 'silent' });
});

test('an exchange of a refresh token is asked as a refresh', async () => {
  assert.deepEqual(await ask('refresh'), { ...QUESTION, interaction: 'refresh' });
});

test('a return from the picker asks with the choice', async () => {
  const { question } = await comeBack({ claims: { remember: true } });

  assert.deepEqual(question, { ...QUESTION, choice: { org_id: ORGANIZATION.id, nonce: NONCE, remember: true, forget: false } });
});

for (const [protocol, interaction] of Object.entries(PROTOCOLS)) {
  test(`a login by ${protocol} is asked as ${interaction}`, async () => {
    const question = await ask('page', (event) => {
      Object.assign(event.transaction, { protocol, subject_token_type: 'http://auth0.com/oauth/token-type/apple-authz-code' });
    });

    assert.deepEqual(question, { ...QUESTION, interaction });
  });
}

test('a login without a transaction is asked as a refresh', async () => {
  const question = await ask('refresh', (event) => { delete event.transaction; });

  assert.deepEqual(question, { ...QUESTION, interaction: 'refresh' });
});

const PROMPTS = {
  'prompt=none in the transaction alone': [['none'], undefined, 'silent'],
  'prompt=none in the query alone': [undefined, 'none', 'silent'],
  'prompt=none among other words': [[], 'login none', 'silent'],
  'prompt=none in the transaction as text': ['login none', undefined, 'silent'],
  'another prompt in the transaction as text': ['nonesuch', undefined, 'page'],
  'none as the second prompt of the transaction': [['consent', 'none'], undefined, 'silent'],
  'another prompt': [['login'], 'login', 'page'],
  'a prompt that only contains none': [['nonesuch'], 'nonesuch', 'page'],
  'no prompt at all': [undefined, undefined, 'page'],
};
for (const [name, [ofTransaction, ofQuery, interaction]] of Object.entries(PROMPTS)) {
  test(`a login with ${name} is asked as ${interaction}`, async () => {
    const question = await ask('page', (event) => {
      event.transaction.prompt = ofTransaction;
      event.request.query.prompt = ofQuery;
    });

    assert.equal(question.interaction, interaction);
  });
}

test('a refresh with prompt=none is asked as a refresh', async () => {
  const question = await ask('refresh', (event) => { event.request.query.prompt = 'none'; });

  assert.equal(question.interaction, 'refresh');
});

for (const types of ['token', 'code token', ['token'], ['token', 'id_token'], ['code token'], ['code', 'id_token token'], ['id_token token']]) {
  test(`an app that wants ${JSON.stringify(types)} in the address bar is refused without a question`, async () => {
    for (const event of [pageEvent(), silentEvent()]) {
      const login = await run({ event, change: () => { event.transaction.response_type = types; } });

      assert.deepEqual([ending(login), login.received.length], ['selection_failed', 0]);
    }
  });
}

for (const types of ['code', 'code id_token', ['code'], ['id_token'], ['code id_token'], ['code', 'id_token'], [], undefined]) {
  test(`an app that wants ${JSON.stringify(types)} is served`, async () => {
    const login = await run({ change: (event) => { event.transaction.response_type = types; } });

    assert.equal(ending(login), 'organization');
  });
}

test('a login without a browser is served with every response type', async () => {
  const login = await run({ event: refreshEvent(), change: (event) => { event.transaction.response_type = ['token']; } });

  assert.equal(ending(login), 'organization');
});

const PARAMETERS = { 'ext-org': 'hint', 'ext-invitation': 'invitation' };
for (const [parameter, field] of Object.entries(PARAMETERS)) {
  for (const [name, given, asked] of [
    ['a slug', 'abc-inc', 'abc-inc'],
    ['an id', ORGANIZATION.id, ORGANIZATION.id],
    ['what Auth0 lets through', 'Abc_1.*~@+ /:-', 'Abc_1.*~@+ /:-'],
    ['255 characters', 'a'.repeat(255), 'a'.repeat(255)],
    ['256 characters', 'a'.repeat(256), ''],
    ['nothing', '', ''],
    ['itself twice', ['abc-inc', 'xyz-travel'], ''],
    ['an object', { $ne: '' }, ''],
    ['a number', 7, ''],
    ['markup', '<script>', ''],
    ['NUL', 'abc\0', ''],
    ['a line feed', 'abc\n', ''],
    ['a line feed in front', '\nabc', ''],
    ['half a pair', 'abc\ud800', ''],
  ]) {
    test(`an app that sends ${parameter} with ${name} asks with ${JSON.stringify(asked)}`, async () => {
      for (const [kind, place] of [['page', 'query'], ['silent', 'query'], ['refresh', 'body']]) {
        const question = await ask(kind, (event) => { event.request[place][parameter] = given; });

        assert.equal(question[field], asked, `${kind}, ${place}`);
      }
    });
  }
}

test('a hint in the query counts before a hint in the body', async () => {
  const question = await ask('page', (event) => {
    event.request.query['ext-org'] = 'abc-inc';
    event.request.body['ext-org'] = 'xyz-travel';
  });

  assert.equal(question.hint, 'abc-inc');
});

test('a refresh without query and body is asked about', async () => {
  const question = await ask('refresh', (event) => {
    delete event.request.query;
    delete event.request.body;
  });

  assert.deepEqual(question, { ...QUESTION, interaction: 'refresh' });
});

for (const [given, asked] of [['select', true], ['Select', false], ['', false], ['none', false], [['select'], false]]) {
  test(`an app that sends ext-org-prompt=${JSON.stringify(given)} asks with prompt_select ${asked}`, async () => {
    const question = await ask('page', (event) => { event.request.query['ext-org-prompt'] = given; });

    assert.equal(question.prompt_select, asked);
  });
}

test('a bound application asks with its organization at every kind of login', async () => {
  for (const kind of Object.keys(EVENTS)) {
    const question = await ask(kind, (event) => { event.client.metadata.organization = ORGANIZATION.id; });

    assert.equal(question.bound, ORGANIZATION.id);
  }
});

test('an application without metadata is bound to no organization', async () => {
  assert.equal((await ask('page', (event) => { delete event.client.metadata; })).bound, null);
});

const remembering = (metadata) => (event) => { event.refresh_token = metadata; };
for (const [name, setting, refreshToken, remembered] of [
  ['is set to "true"', 'true', { metadata: { org_id: ORGANIZATION.id } }, ORGANIZATION.id],
  ['is left out', undefined, { metadata: { org_id: ORGANIZATION.id } }, null],
  ['is "false"', 'false', { metadata: { org_id: ORGANIZATION.id } }, null],
  ['is empty', '', { metadata: { org_id: ORGANIZATION.id } }, null],
  ['is "true" for a plan without metadata', 'true', {}, null],
  ['is "true" and there is no refresh token', 'true', undefined, null],
  ['is "true" and the metadata is no text', 'true', { metadata: { org_id: 7 } }, null],
]) {
  test(`a refresh asks with remembered ${remembered} when REMEMBER_IN_REFRESH_TOKEN ${name}`, async () => {
    const question = await ask('refresh', remembering(refreshToken), {
      secrets: { REMEMBER_IN_REFRESH_TOKEN: setting }, plan: { refresh_token_metadata: true },
    });

    assert.equal(question.remembered, remembered);
  });
}

for (const [name, given, asked] of [
  ['half a pair', 'a\ud800b', 'a\ufffdb'],
  ['NUL, twice', 'a\0b\0', 'ab'],
  ['an emoji', '\u{1f9ed}', '\u{1f9ed}'],
  ['a number', 7, null],
  ['null', null, null],
  ['nothing', undefined, null],
  ['2,048 characters', 'a'.repeat(2048), 'a'.repeat(2048)],
  ['2,049 characters', 'a'.repeat(2049), null],
]) {
  test(`a profile that holds ${name} is sent in a form that the selector can store`, async () => {
    const question = await ask('page', (event) => {
      for (const field of ['email', 'name']) event.user[field] = given;
      event.connection = { name: given, strategy: given };
    });
    const { email, name: asName, connection, strategy } = question.user;

    assert.deepEqual([email, asName, connection, strategy], Array(4).fill(asked));
  });
}

for (const verified of [false, undefined, null, 'true', 1]) {
  test(`an address counts as verified only if Auth0 says true, not ${JSON.stringify(verified)}`, async () => {
    const question = await ask('page', (event) => { event.user.email_verified = verified; });

    assert.equal(question.user.email_verified, false);
  });
}

test('a login without a connection asks without one', async () => {
  const { user } = await ask('refresh', (event) => { delete event.connection; });

  assert.deepEqual([user.connection, user.strategy], [null, null]);
});

test('a login is asked about once, with an organization or a choice as the answer', async () => {
  for (const answer of [undefined, choose()]) assert.equal((await run({ answer })).received.length, 1);
});
