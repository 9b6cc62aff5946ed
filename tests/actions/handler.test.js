'use strict';
/** How the Action behaves inside the tenant: exports, logs, and errors around it. */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const login = require('./login.js');
const { choose, organization, refuse, reply } = require('./selector.js');

const { REFUSALS, comeBack, continueEvent, ending, pageEvent, run, runWithApi, selectionClaims, sign } = login;

test('the Action exports two native async handlers and nothing else', () => {
  const { exports } = login.findInstance();

  assert.deepEqual(Object.keys(exports).sort(), ['onContinuePostLogin', 'onExecutePostLogin']);
  for (const handler of Object.values(exports)) assert.equal(handler.constructor.name, 'AsyncFunction');
});

test('a login that goes on writes nothing to the log', async () => {
  for (const answer of [organization(), choose()]) assert.equal((await run({ answer })).log, '');
  assert.equal((await comeBack()).log, '');
});

for (const [name, start, code, error] of [
  ['a refusal', () => run({ answer: refuse('not_a_member') }), 'not_a_member', 'so the selector decided'],
  ['a broken answer', () => run({ answer: reply('<joe@example.com>') }), 'temporarily_unavailable', 'SyntaxError'],
  ['a wrong setting', () => run({ secrets: { SESSION_TOKEN_SECRETS: 'short' } }), 'temporarily_unavailable', 'a secret has fewer than 32 characters'],
  ['a forged token', () => comeBack({ token: 'a.b.c' }), 'selection_failed', 'the selection token'],
  ['an event without a host', () => run({ change: (event) => { delete event.request.hostname; } }), 'temporarily_unavailable', 'event.request.hostname is missing'],
  ['an event without a user', () => run({ change: (event) => { delete event.user; } }), 'temporarily_unavailable', 'TypeError'],
]) {
  test(`${name} writes one line to the log, with code and cause, no secret and no person`, async () => {
    const outcome = await start();

    assert.equal(ending(outcome), code);
    assert.equal(outcome.log, `select-organization: ${code} (${error})\n`);
  });
}

test('two logins at once in one instance do not see each other', async () => {
  const other = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  const waiting = [];
  // Both questions arrive before one is answered, and the first is answered last.
  const answer = (response, { body }) => {
    const { user } = JSON.parse(body);
    waiting.unshift(() => organization(user.id === 'auth0|ann' ? { id: other, role: 'owner' } : {})(response));
    if (waiting.length === 2) for (const send of waiting) send();
  };
  const [joe, ann] = await Promise.all([
    run({ answer }),
    run({ answer, change: (event) => { event.user.user_id = 'auth0|ann'; } }),
  ]);

  assert.deepEqual(Object.values(joe.accessToken), [organizationId(), 'member']);
  assert.deepEqual(Object.values(ann.accessToken), [other, 'owner']);
});

function organizationId() {
  return selectionClaims().org_id;
}

test('a login leaves nothing to the next one in the same instance', async () => {
  const fresh = await run();
  await run({ answer: choose('hint_unknown'), change: (event) => { event.request.query['ext-org'] = 'abc'; } });
  await run({ answer: refuse('not_a_member') });
  await comeBack({ claims: { remember: true } });
  const again = await run();

  assert.deepEqual(again.question, fresh.question);
  assert.deepEqual([again.accessToken, again.idToken], [fresh.accessToken, fresh.idToken]);
});

/** An api whose every member throws, except that a refusal is noted. */
function hostile(codes) {
  const thrower = new Proxy(() => {}, {
    get: () => thrower,
    apply: () => { throw new TypeError('joe@example.com'); },
  });
  return () => new Proxy({}, {
    get: (_, name) => (name === 'access' ? { deny: (code) => { codes.push(code); } } : thrower),
  });
}

for (const handler of ['onExecutePostLogin', 'onContinuePostLogin']) {
  for (const [name, answer] of Object.entries({ organization: organization(), choose: choose() })) {
    test(`a login is refused once when all of Auth0's api throws in ${handler} after the answer "${name}"`, async () => {
      const codes = [];
      const event = handler === 'onExecutePostLogin' ? pageEvent() : continueEvent(sign(selectionClaims()));
      await run({ event, answer, changeApi: hostile(codes), handler });

      assert.equal(codes.length, 1);
      assert.ok(REFUSALS.includes(codes[0]), codes[0]);
    });
  }
}

for (const [name, value] of Object.entries({ 'nothing': undefined, 'null': null, 'a string': 'no' })) {
  test(`a login is refused when Auth0's api throws ${name} instead of an error`, async () => {
    const codes = [];
    const changeApi = (api) => new Proxy(api, {
      get(target, member) {
        if (member === 'access') return { deny: (code) => { codes.push(code); } };
        if (member === 'accessToken') throw value;
        return target[member];
      },
    });
    await run({ changeApi });

    assert.deepEqual(codes, ['temporarily_unavailable']);
  });
}

const PARTS = ['client', 'connection', 'refresh_token', 'request', 'resource_server', 'secrets', 'transaction', 'user'];
for (const part of PARTS) {
  test(`a login without event.${part} goes on or is refused with a fixed code`, async () => {
    for (const start of [run, comeBack]) {
      const outcome = await start({ change: (event) => { delete event[part]; } });

      assert.ok([...REFUSALS, 'organization', 'nothing'].includes(ending(outcome)), ending(outcome));
      // Without resource_server it is a login for no API, so not for one of ours.
      assert.equal(ending(outcome) === 'nothing', part === 'resource_server');
    }
  });
}

test('a login without any event is refused', async () => {
  const codes = [];
  const changeApi = hostile(codes);
  for (const handler of ['onExecutePostLogin', 'onContinuePostLogin']) {
    await runWithApi((api) => changeApi(api), { handler, event: { request: {} } });
  }

  assert.deepEqual(codes, ['temporarily_unavailable', 'temporarily_unavailable']);
});
