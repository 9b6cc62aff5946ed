'use strict';
/**
 * A mistake in the Action's secrets refuses every login for this audience. Reproduced at commit 3d47401: a comma
 * in AUDIENCES, or a placeholder of the Deploy CLI that was left there, let every login pass untouched.
 */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { AUDIENCE, SELECTION_SECRET, SESSION_SECRET, comeBack, ending, run } = require('./login.js');

const SHORT = 'a'.repeat(31);
const MISTAKES = {
  SELECTOR_URL: [undefined, '', 'selector.example', '//selector.example', 'http://selector.example', 'ftp://selector.example', '##SELECTOR_URL##', 7, null],
  SESSION_TOKEN_SECRETS: [undefined, '', ' ', SHORT, `${SESSION_SECRET} ${SHORT}`, `${SHORT},${SESSION_SECRET}`, '##SESSION_TOKEN_SECRETS##', 7, [SESSION_SECRET]],
  SELECTION_TOKEN_SECRETS: [undefined, '', '\t\n', SHORT, `${SELECTION_SECRET} ${SHORT}`, `${SHORT} ${SELECTION_SECRET}`, '@@SELECTION_TOKEN_SECRETS@@', 7, null],
  CLAIM_NAMESPACE: [
    undefined, '', '/', 'claims/', 'https://', 'https:///', 'https://acme.example', 'https://acme.example/claims', 'https://acme.example/#/',
    'https://acme.example/?/', 'xhttps://acme.example/', ' https://acme.example/', 'https://acme.example/\n', 'urn:acme/', 'https://##CLAIM_NAMESPACE##/', 7, null,
  ],
  AUDIENCES: [undefined, '', ' \n', ',', null, 7, [AUDIENCE], { [AUDIENCE]: true }, '##AUDIENCES##', '@@AUDIENCES@@', `${AUDIENCE} ##MORE##`],
  REQUIRE_MFA: ['True', 'yes', '1', ' true', 'true,', '##REQUIRE_MFA##', '@@REQUIRE_MFA@@', true, 1, ['true']],
  REMEMBER_IN_REFRESH_TOKEN: ['TRUE', 'yes', '##REMEMBER_IN_REFRESH_TOKEN##', true, ['true']],
};

for (const [name, values] of Object.entries(MISTAKES)) {
  for (const value of values) {
    test(`every login is refused when ${name} is ${JSON.stringify(value)}`, async () => {
      for (const start of [run, comeBack]) {
        assert.equal(ending(await start()), 'organization');
        const login = await start({ secrets: { [name]: value } });

        assert.deepEqual([ending(login), login.received.length], ['temporarily_unavailable', 0]);
        // The log tells the administrator what to correct.
        const cause = name.endsWith('_SECRETS') ? `${name}|a secret has fewer than 32 characters` : name;
        assert.match(login.log, new RegExp(`temporarily_unavailable \\((${cause})`));
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
  'lists with commas': {
    SESSION_TOKEN_SECRETS: `${SESSION_SECRET},${'c'.repeat(32)}`, SELECTION_TOKEN_SECRETS: `${'c'.repeat(32)}, ${SELECTION_SECRET}`,
    AUDIENCES: `https://other.example,${AUDIENCE}`,
  },
  'switches that are off': { REQUIRE_MFA: 'false', REMEMBER_IN_REFRESH_TOKEN: '' },
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
    assert.deepEqual([refused, why], [
      'temporarily_unavailable', 'select-organization: temporarily_unavailable (SELECTOR_URL must begin with https://)\n',
    ]);
  }
});
