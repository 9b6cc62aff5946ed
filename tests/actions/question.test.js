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
  user: {
    id: 'auth0|joe',
    email: 'joe@example.com',
    email_verified: true,
    name: 'Joe Miller',
    connection: 'Username-Password-Authentication',
    strategy: 'auth0',
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

test('a person logs in with a browser and the whole question is this', async () => {
  assert.deepEqual(await ask('page'), QUESTION);
});

test('an app renews its token in a hidden frame and the question says so', async () => {
  assert.deepEqual(await ask('silent'), { ...QUESTION, interaction: 'silent' });
});

test('an app exchanges its refresh token and the question says that there is no browser', async () => {
  assert.deepEqual(await ask('refresh'), { ...QUESTION, interaction: 'refresh' });
});

test('a person comes back from the picker and the choice is part of the question', async () => {
  const { question } = await comeBack({ claims: { remember: true } });

  assert.deepEqual(question, { ...QUESTION, choice: { org_id: ORGANIZATION.id, nonce: NONCE, remember: true } });
});

for (const [protocol, interaction] of Object.entries(PROTOCOLS)) {
  test(`a login by ${protocol} is asked as ${interaction}`, async () => {
    const question = await ask('page', (event) => { event.transaction.protocol = protocol; });

    assert.deepEqual(question, { ...QUESTION, interaction });
  });
}

test('a login without any transaction is asked as one without a browser', async () => {
  const question = await ask('refresh', (event) => { delete event.transaction; });

  assert.deepEqual(question, { ...QUESTION, interaction: 'refresh' });
});

const PROMPTS = {
  'prompt=none in the transaction alone': [['none'], undefined, 'silent'],
  'prompt=none in the query alone': [undefined, 'none', 'silent'],
  'prompt=none among other words': [[], 'login none', 'silent'],
  'none as the second prompt of the transaction': [['consent', 'none'], undefined, 'silent'],
  'another prompt': [['login'], 'login', 'page'],
  'a prompt that only contains none': [['nonesuch'], 'nonesuch', 'page'],
  'no prompt at all': [undefined, undefined, 'page'],
};
for (const [name, [ofTransaction, ofQuery, interaction]] of Object.entries(PROMPTS)) {
  test(`an app sends ${name} and is asked for as ${interaction}`, async () => {
    const question = await ask('page', (event) => {
      event.transaction.prompt = ofTransaction;
      event.request.query.prompt = ofQuery;
    });

    assert.equal(question.interaction, interaction);
  });
}

test('an app sends prompt=none with a refresh token and it stays a refresh', async () => {
  const question = await ask('refresh', (event) => { event.request.query.prompt = 'none'; });

  assert.equal(question.interaction, 'refresh');
});

for (const types of [['token'], ['token', 'id_token'], ['code token'], ['code', 'id_token token'], ['id_token token']]) {
  test(`an app wants ${types.join(' + ')} in the address bar and is refused without a question`, async () => {
    for (const event of [pageEvent(), silentEvent()]) {
      const login = await run({ event, change: () => { event.transaction.response_type = types; } });

      assert.deepEqual([ending(login), login.received.length], ['selection_failed', 0]);
    }
  });
}

for (const types of [['code'], ['id_token'], ['code id_token'], ['code', 'id_token'], [], undefined]) {
  test(`an app wants ${types?.join(' + ') || 'nothing in particular'} and is served`, async () => {
    const login = await run({ change: (event) => { event.transaction.response_type = types; } });

    assert.equal(ending(login), 'organization');
  });
}

test('a response type is no matter where there is no browser', async () => {
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
    test(`an app sends ${parameter} with ${name}`, async () => {
      for (const [kind, place] of [['page', 'query'], ['silent', 'query'], ['refresh', 'body']]) {
        const question = await ask(kind, (event) => { event.request[place][parameter] = given; });

        assert.equal(question[field], asked, `${kind}, ${place}`);
      }
    });
  }
}

test('an app sends a hint in query and body and the query counts', async () => {
  const question = await ask('page', (event) => {
    event.request.query['ext-org'] = 'abc-inc';
    event.request.body['ext-org'] = 'xyz-travel';
  });

  assert.equal(question.hint, 'abc-inc');
});

test('a request has neither query nor body and still is a question', async () => {
  const question = await ask('page', (event) => {
    delete event.request.query;
    delete event.request.body;
  });

  assert.deepEqual(question, QUESTION);
});

for (const [given, asked] of [['select', true], ['Select', false], ['', false], ['none', false], [['select'], false]]) {
  test(`an app sends ext-org-prompt=${JSON.stringify(given)} and the question says ${asked}`, async () => {
    const question = await ask('page', (event) => { event.request.query['ext-org-prompt'] = given; });

    assert.equal(question.prompt_select, asked);
  });
}

test('an application is bound to one organization and every question of it says so', async () => {
  for (const kind of Object.keys(EVENTS)) {
    const question = await ask(kind, (event) => { event.client.metadata.organization = ORGANIZATION.id; });

    assert.equal(question.bound, ORGANIZATION.id);
  }
});

test('an application has no metadata and is bound to nothing', async () => {
  assert.equal((await ask('page', (event) => { delete event.client.metadata; })).bound, null);
});

const remembering = (metadata) => (event) => { event.refresh_token = metadata; };
for (const [name, setting, refreshToken, remembered] of [
  ['is set to "true"', 'true', { metadata: { org_id: ORGANIZATION.id } }, ORGANIZATION.id],
  ['is left out', undefined, { metadata: { org_id: ORGANIZATION.id } }, null],
  ['is "false"', 'false', { metadata: { org_id: ORGANIZATION.id } }, null],
  ['is "yes"', 'yes', { metadata: { org_id: ORGANIZATION.id } }, null],
  ['is "true" for a plan without metadata', 'true', {}, null],
  ['is "true" and there is no refresh token', 'true', undefined, null],
  ['is "true" and the metadata is no text', 'true', { metadata: { org_id: 7 } }, null],
]) {
  test(`REMEMBER_IN_REFRESH_TOKEN ${name} and the question remembers ${remembered}`, async () => {
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
  test(`a profile holds ${name} and the selector can store what it is told`, async () => {
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

test('a login has no connection and the question has none', async () => {
  const { user } = await ask('refresh', (event) => { delete event.connection; });

  assert.deepEqual([user.connection, user.strategy], [null, null]);
});

test('a login is asked about once, whatever the answer is', async () => {
  for (const answer of [undefined, choose()]) assert.equal((await run({ answer })).received.length, 1);
});
