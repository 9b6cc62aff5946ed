'use strict';
/** A mistake in the Action's secrets refuses every login for this audience. */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { AUDIENCE, SELECTION_SECRET, SESSION_SECRET, comeBack, ending, run } = require('./login.js');

const SHORT = 'a'.repeat(31);
const MISTAKES = {
  SELECTOR_URL: [undefined, '', 'selector.example', '//selector.example', 'http://selector.example', 'ftp://localhost', 7, null],
  SESSION_TOKEN_SECRETS: [undefined, '', ' ', SHORT, `${SESSION_SECRET} ${SHORT}`, `${SHORT} ${SESSION_SECRET}`, 7, [SESSION_SECRET]],
  SELECTION_TOKEN_SECRETS: [undefined, '', '\t\n', SHORT, `${SELECTION_SECRET} ${SHORT}`, `${SHORT} ${SELECTION_SECRET}`, 7, null],
  CLAIM_NAMESPACE: [
    undefined, '', '/', 'claims/', 'https://', 'https:///', 'https://acme.example', 'https://acme.example/claims', 'https://acme.example/#/',
    'https://acme.example/?/', 'xhttps://acme.example/', ' https://acme.example/', 'https://acme.example/\n', 'urn:acme/', 7, null,
  ],
  AUDIENCES: [undefined, '', ' \n', null, 7, [AUDIENCE], { [AUDIENCE]: true }],
};

for (const [name, values] of Object.entries(MISTAKES)) {
  for (const value of values) {
    test(`every login is refused when ${name} is ${JSON.stringify(value)}`, async () => {
      for (const start of [run, comeBack]) {
        assert.equal(ending(await start()), 'organization');
        const login = await start({ secrets: { [name]: value } });

        assert.deepEqual([ending(login), login.received.length], ['temporarily_unavailable', 0]);
        // The mistake is found when the settings are read, not later; only URL throws a TypeError.
        if (name !== 'SELECTOR_URL') assert.match(login.log, /\(Error\)/);
      }
    });
  }
}

test('a login without any secrets is refused', async () => {
  assert.equal(ending(await run({ change: (event) => { delete event.secrets; } })), 'temporarily_unavailable');
});

for (const [name, secrets] of Object.entries({
  'secrets of exactly 32 characters': { SESSION_TOKEN_SECRETS: 'a'.repeat(32), SELECTION_TOKEN_SECRETS: 'b'.repeat(32) },
  'lists with blanks and line feeds': {
    SESSION_TOKEN_SECRETS: ` ${SESSION_SECRET}\n  ${'c'.repeat(32)} `, AUDIENCES: ` https://other.example\n${AUDIENCE} `,
  },
  'a namespace that is a path': { CLAIM_NAMESPACE: 'https://acme.example/claims/v1/' },
  'a namespace that is a host': { CLAIM_NAMESPACE: 'http://acme.example/' },
  'a namespace outside ASCII': { CLAIM_NAMESPACE: 'https://b\u00fccher.example/' },
})) {
  test(`a login with ${name} goes on`, async () => {
    assert.equal(ending(await run({ secrets })), 'organization');
  });
}

test('a selector without https is asked only on this machine', async () => {
  const local = (host) => (event) => { event.secrets.SELECTOR_URL = event.secrets.SELECTOR_URL.replace('127.0.0.1', host); };
  const outcome = async (host) => {
    const login = await run({ change: local(host) });
    return [ending(login), login.log];
  };

  assert.deepEqual(await outcome('127.0.0.1'), ['organization', '']);
  // If localhost is ::1, no server listens there, but it was tried: fetch fails with a TypeError.
  const [end, log] = await outcome('localhost');
  assert.ok(end === 'organization' || log.includes('(TypeError)'), log);
  // With https every host is tried; here no server listens.
  const far = await run({ secrets: { SELECTOR_URL: 'https://127.0.0.2:1' } });
  assert.deepEqual([ending(far), far.log], ['temporarily_unavailable', 'select-organization: temporarily_unavailable (TypeError)\n']);
  for (const host of ['127.0.0.2', 'localhost.attacker.example', '127.0.0.1.attacker.example']) {
    const [refused, why] = await outcome(host);
    assert.deepEqual([refused, why], ['temporarily_unavailable', 'select-organization: temporarily_unavailable (Error)\n']);
  }
});
