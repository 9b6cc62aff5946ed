'use strict';
/**
 * What the app asked for survives every suspension of the login.
 * Source: Auth0, "Actions limitations": a new `event.request` is issued whenever the trigger is
 * suspended and resumed.
 */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { KEEP_FILE, comeBack, ending, findInstance, keep, pageEvent, refreshEvent, run, silentEvent } = require('./login.js');
const { choose } = require('./selector.js');

const UNKNOWN = 'select-organization: the wish of this login is unknown; is keep-organization-hint bound first?\n';
const HIDDEN = 'keep-organization-hint: the request does not show what the app asked for\n';
const NOTHING = { org: null, prompt: null, invitation: null };

const ask = (query) => (event) => { Object.assign(event.request.query, query); };
const resume = (event) => { event.request = { ...event.request, method: 'POST', query: { state: 'hKFo2S' }, body: { code: '123456' } }; };

/** What keep-organization-hint writes for this login. */
async function kept(scene) {
  const { metadata } = await keep(scene);
  return metadata.org_selector_wish === undefined ? undefined : JSON.parse(metadata.org_selector_wish);
}

/** The part of the question that comes from the app, and the log. */
async function asked(scene) {
  const login = await run(scene);
  const { hint, prompt_select: prompt, invitation } = login.question;
  return { hint, prompt, invitation, log: login.log };
}

/** Both Actions in one login, which is suspended between them. */
async function askAfterSuspension({ event = pageEvent(), change }) {
  const { metadata } = await keep({ event, change });
  const suspended = { ...event, transaction: { ...event.transaction, metadata } };
  return asked({ event: suspended, change: resume });
}

test('keep-organization-hint exports one native async handler and nothing else', () => {
  const { exports } = findInstance(KEEP_FILE);

  assert.deepEqual(Object.keys(exports), ['onExecutePostLogin']);
  assert.equal(exports.onExecutePostLogin.constructor.name, 'AsyncFunction');
});

for (const [name, query, wish] of [
  ['for nothing', {}, NOTHING],
  ['for an organization', { 'ext-org': 'xyz-travel' }, { ...NOTHING, org: 'xyz-travel' }],
  ['for the picker', { 'ext-org-prompt': 'select' }, { ...NOTHING, prompt: 'select' }],
  ['with an invitation', { 'ext-invitation': 'i-1' }, { ...NOTHING, invitation: 'i-1' }],
  ['for an organization twice', { 'ext-org': ['a', 'b'] }, { ...NOTHING, org: '' }],
  ['for a list of one', { 'ext-org': ['abc-inc'] }, { ...NOTHING, org: '' }],
  ['for markup', { 'ext-org': '<b>', 'ext-org-prompt': '<b>', 'ext-invitation': '<b>' }, { org: '', prompt: '', invitation: '' }],
  ['for 255 characters', { 'ext-org': 'a'.repeat(255) }, { ...NOTHING, org: 'a'.repeat(255) }],
  ['for 256 characters', { 'ext-org': 'a'.repeat(256) }, { ...NOTHING, org: '' }],
  ['for a line feed', { 'ext-org': 'abc\n' }, { ...NOTHING, org: '' }],
]) {
  test(`a login that asks ${name} is kept as ${JSON.stringify(wish)}`, async () => {
    const { metadata, effects, log } = await keep({ change: ask(query) });

    assert.deepEqual(JSON.parse(metadata.org_selector_wish), wish);
    assert.deepEqual([Object.keys(metadata), effects.deny, effects.redirect, log], [['org_selector_wish'], null, null, '']);
  });
}

test('a login by POST is kept from its body, and its query counts before its body', async () => {
  const post = ({ request }) => { Object.assign(request, { query: {}, body: { client_id: 'spa', 'ext-org': 'abc-inc' } }); };
  const both = (event) => { post(event); event.request.query['ext-org'] = 'xyz-travel'; };

  assert.equal((await kept({ change: post })).org, 'abc-inc');
  assert.equal((await kept({ change: both })).org, 'xyz-travel');
});

for (const protocol of ['oidc-basic-profile', 'oidc-implicit-profile', 'oidc-hybrid-profile']) {
  test(`a login by ${protocol} is kept`, async () => {
    assert.deepEqual(await kept({ change: (event) => { event.transaction.protocol = protocol; } }), NOTHING);
  });
}

for (const protocol of ['samlp', 'wsfed', 'oauth2-refresh-token', 'oauth2-token-exchange', 'oauth2-device-code']) {
  test(`a login by ${protocol} keeps nothing and logs nothing`, async () => {
    const { metadata, log } = await keep({ change: (event) => { event.transaction.protocol = protocol; } });

    assert.deepEqual([metadata, log], [{}, '']);
  });
}

for (const [name, change] of Object.entries({
  'was resumed already': resume,
  'was pushed before (PAR)': ask({ request_uri: 'urn:ietf:params:oauth:request_uri:x' }),
  'is signed (JAR)': ask({ request: 'eyJ.x.y' }),
})) {
  test(`a request that ${name} is not taken for one that asks nothing`, async () => {
    const { metadata, log } = await keep({ change });

    assert.deepEqual([metadata, log], [{}, HIDDEN]);
    assert.deepEqual(await asked({ change }), { hint: null, prompt: true, invitation: null, log: UNKNOWN });
  });
}

test('a pushed request that shows what it asks for is kept', async () => {
  const change = ask({ request_uri: 'urn:x', 'ext-org': 'abc-inc' });

  assert.equal((await kept({ change })).org, 'abc-inc');
  assert.deepEqual(await asked({ change }), { hint: 'abc-inc', prompt: false, invitation: null, log: '' });
});

for (const [name, change] of Object.entries({
  'without a request': (event) => { delete event.request; },
  'without a transaction': (event) => { delete event.transaction; },
  'whose parameters are null': (event) => { event.request.query = null; event.request.body = null; },
  'with nothing at all': (event) => { for (const part of Object.keys(event)) delete event[part]; },
})) {
  test(`keep-organization-hint denies no login ${name}`, async () => {
    const { effects, metadata } = await keep({ change });

    assert.deepEqual([effects.deny, metadata], [null, {}]);
  });
}

for (const [name, thrown] of Object.entries({ 'an error': new TypeError('joe@example.com'), 'nothing': undefined, 'null': null })) {
  test(`keep-organization-hint denies no login when Auth0's api throws ${name}`, async () => {
    await keep({ changeApi: () => new Proxy({}, { get: () => { throw thrown; } }) });
  });
}

test('a login without a transaction is no login with a browser: keep-organization-hint logs nothing', async () => {
  assert.equal((await keep({ change: (event) => { delete event.transaction; } })).log, '');
});

test('an error in keep-organization-hint is one line in the log, without what the login holds', async () => {
  const change = (event) => Object.defineProperty(event.request, 'query', { get: () => { throw new RangeError('joe@example.com'); } });

  assert.equal((await keep({ change })).log, 'keep-organization-hint: nothing is kept (RangeError)\n');
});

for (const [name, query, expected] of [
  ['an organization', { 'ext-org': 'xyz-travel' }, { hint: 'xyz-travel' }],
  ['the picker', { 'ext-org-prompt': 'select' }, { prompt: true }],
  ['an invitation', { 'ext-invitation': 'i-1' }, { invitation: 'i-1' }],
  ['an organization twice', { 'ext-org': ['a', 'b'] }, { hint: '' }],
  ['nothing, so that a default counts', {}, {}],
]) {
  test(`after a suspension a login still asks for ${name}`, async () => {
    for (const event of [pageEvent(), silentEvent()]) {
      const question = await askAfterSuspension({ event, change: ask(query) });

      assert.deepEqual(question, { hint: null, prompt: false, invitation: null, log: '', ...expected });
    }
  });
}

test('without keep-organization-hint a login that was suspended is asked, and the log says why', async () => {
  for (const event of [pageEvent(), silentEvent()]) {
    assert.deepEqual(await asked({ event, change: resume }), { hint: null, prompt: true, invitation: null, log: UNKNOWN });
  }
});

test('without keep-organization-hint a login that was not suspended asks for what the request says', async () => {
  assert.deepEqual(await asked({ change: ask({ 'ext-org': 'abc-inc' }) }), { hint: 'abc-inc', prompt: false, invitation: null, log: '' });
});

test('what was kept counts before the request that resumed the login', async () => {
  const change = (event) => {
    event.transaction.metadata = { org_selector_wish: JSON.stringify({ ...NOTHING, org: 'xyz-travel' }) };
    Object.assign(event.request.query, { 'ext-org': 'abc-inc', 'ext-org-prompt': 'select' });
  };

  assert.deepEqual(await asked({ change }), { hint: 'xyz-travel', prompt: false, invitation: null, log: '' });
});

for (const text of ['', 'x', 'null', '7', '{', '{}', '{"org":"a"}', '{"org":[],"prompt":null,"invitation":null}', '{"org":null,"prompt":[],"invitation":null}', '{"org":null,"prompt":null,"invitation":[]}', undefined, 7, true]) {
  test(`what another Action wrote under the key, ${JSON.stringify(text)}, is not taken for a wish`, async () => {
    const change = (event) => { resume(event); event.transaction.metadata = { org_selector_wish: text }; };
    const { prompt, log } = await asked({ change });

    assert.deepEqual([prompt, log], [true, UNKNOWN]);
  });
}

test('a login with a browser is asked when Auth0 shows neither parameters nor metadata', async () => {
  const change = (event) => { delete event.request.query; delete event.transaction.metadata; };

  assert.deepEqual(await asked({ change }), { hint: null, prompt: true, invitation: null, log: UNKNOWN });
});

test('a kept wish is checked again, since every Action can write it', async () => {
  const change = (event) => {
    event.transaction.metadata = { org_selector_wish: JSON.stringify({ org: '<b>', prompt: 'Select', invitation: 'a\n' }) };
  };

  assert.deepEqual(await asked({ change }), { hint: '', prompt: false, invitation: '', log: '' });
});

test('a refresh asks for what its own body says, whatever a login kept', async () => {
  const change = (event) => {
    event.transaction.metadata = { org_selector_wish: JSON.stringify({ ...NOTHING, org: 'xyz-travel' }) };
    event.request.body['ext-org'] = 'abc-inc';
  };

  assert.deepEqual(await asked({ event: refreshEvent(), change }), { hint: 'abc-inc', prompt: false, invitation: null, log: '' });
  assert.deepEqual(await asked({ event: refreshEvent() }), { hint: null, prompt: false, invitation: null, log: '' });
});

test('the picker learns what was kept', async () => {
  const change = (event) => {
    resume(event);
    event.transaction.metadata = { org_selector_wish: JSON.stringify({ ...NOTHING, org: 'xyz-travel', invitation: 'i-1' }) };
  };
  const login = await run({ change, answer: choose() });
  const claims = JSON.parse(Buffer.from(login.sessionToken.split('.')[1], 'base64url'));

  assert.deepEqual([claims.hint, claims.invitation], ['xyz-travel', 'i-1']);
});

test('a return from the picker asks with the choice alone, and finds nothing to complain about', async () => {
  for (const wish of [undefined, JSON.stringify({ ...NOTHING, org: 'abc-inc', prompt: 'select' })]) {
    const back = await comeBack({ change: (event) => { event.transaction.metadata.org_selector_wish = wish; } });

    assert.deepEqual([ending(back), back.question.hint, back.question.prompt_select, back.log], ['organization', null, false, '']);
  }
});
