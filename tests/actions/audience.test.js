'use strict';
/** Which logins of the tenant are for our APIs: the Action does not touch any other. */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { AUDIENCE, EVENTS, continueEvent, ending, run, runWithApi, selectionClaims, sign } = require('./login.js');
const { refuse } = require('./selector.js');

/** An api that must not be used. */
const untouchable = () => new Proxy({}, { get: (_, name) => { throw new Error(`api.${String(name)} was used`); } });

/** Run both handlers with an untouchable api; the event needs nothing but what is said here. */
async function requireUntouched(changes) {
  for (const handler of ['onExecutePostLogin', 'onContinuePostLogin']) {
    const event = { ...continueEvent(sign(selectionClaims())), secrets: { AUDIENCES: AUDIENCE }, ...changes };
    // With the real api it would be denied, since the other secrets are missing.
    await runWithApi(untouchable, { handler, event });
  }
}

for (const [name, server] of Object.entries({
  'another API of the tenant': { identifier: 'https://billing.example.com' },
  'no API at all': undefined,
  'an API without a name': {},
  'an API whose name begins like ours': { identifier: `${AUDIENCE}/v2` },
  'an API whose name ours begins with': { identifier: AUDIENCE.slice(0, -1) },
  'our API in capitals': { identifier: AUDIENCE.toUpperCase() },
})) {
  test(`a login for ${name} passes untouched`, async () => {
    await requireUntouched({ resource_server: server });
  });
}

test('a login without an API is one line in the log that names the application, no person', async () => {
  for (const server of [undefined, null]) {
    const login = await run({ change: (event) => { event.resource_server = server; } });

    assert.deepEqual([ending(login), login.received.length], ['nothing', 0]);
    assert.equal(login.log, 'select-organization: no API in a login of spa\n');
  }
});

test('an event without API and application passes untouched', async () => {
  await requireUntouched({ resource_server: undefined, client: undefined });
});

for (const protocol of ['samlp', 'wsfed', 'wstrust-usernamemixed']) {
  test(`a login by ${protocol} passes untouched`, async () => {
    await requireUntouched({ transaction: { protocol } });
  });
}

test('a login for each API of the list is asked about', async () => {
  const secrets = { AUDIENCES: `https://one.example ${AUDIENCE} https://two.example` };

  for (const audience of secrets.AUDIENCES.split(' ')) {
    const change = (event) => { event.resource_server.identifier = audience; };
    const login = await run({ secrets, change });

    assert.equal(ending(login), 'organization');
    assert.equal(login.received.length, 1);
    assert.equal(ending(await run({ secrets, change, answer: refuse('not_a_member') })), 'not_a_member');
  }
});

for (const [kind, makeEvent] of Object.entries(EVENTS)) {
  test(`a ${kind} login for another API asks nothing, sets nothing and logs nothing`, async () => {
    const login = await run({ event: makeEvent(), change: (event) => { event.resource_server.identifier = 'https://x.example'; } });

    assert.deepEqual([ending(login), login.received.length, login.log], ['nothing', 0, '']);
  });
}
