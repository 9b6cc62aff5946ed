'use strict';
/** How the Action sends a person to the picker. */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { HOSTNAME, SESSION_SECRET, ending, pageEvent, readToken, run, silentEvent } = require('./login.js');
const { choose } = require('./selector.js');

/** Send a person to the picker; return the outcome and the token's header and claims. */
async function sendToPicker({ answer = choose(), secret = SESSION_SECRET, ...scene } = {}) {
  const login = await run({ answer, ...scene });
  assert.equal(ending(login), 'picker');
  return { ...login, ...readToken(login.sessionToken, secret) };
}

test('a person who has to choose is sent to the page with a token and nothing else', async () => {
  const { redirect, header } = await sendToPicker();

  assert.equal(redirect.pathname, '/select');
  assert.deepEqual([...redirect.searchParams.keys()], ['session_token']);
  assert.equal(redirect.hash, '');
  assert.deepEqual(header, { alg: 'HS256', typ: 'JWT' });
});

test('a path in SELECTOR_URL does not change the address of the page', async () => {
  let url;
  const { redirect } = await sendToPicker({
    change: (event) => {
      url = event.secrets.SELECTOR_URL;
      event.secrets.SELECTOR_URL = `${url}/path?query`;
    },
  });

  assert.equal(redirect.origin + redirect.pathname, `${url}/select`);
});

test('the token holds exactly what the page needs and lives for 300 s', async () => {
  const before = Math.floor(Date.now() / 1000);
  const { claims } = await sendToPicker({ answer: choose('hint_unknown') });

  assert.ok(claims.iat >= before && claims.iat <= Date.now() / 1000);
  assert.match(claims.nonce, /^[\w-]{22}$/);
  assert.deepEqual(claims, {
    iss: HOSTNAME,
    sub: 'auth0|joe',
    iat: claims.iat,
    exp: claims.iat + 300,
    ip: '192.0.2.1',
    version: 1,
    aud: 'org-selector/select',
    client_id: 'spa',
    client_name: 'Example App',
    nonce: claims.nonce,
    hint: '',
    invitation: '',
    bound: '',
    notice: 'hint_unknown',
    app_origin: 'https://app.acme.example',
    locale: 'en',
  });
});

test('a reader of the URL in a log learns no e-mail address and no name', async () => {
  const { claims, redirect } = await sendToPicker();

  for (const secret of ['joe@example.com', 'Joe', 'Miller', 'joe.png']) {
    assert.ok(!JSON.stringify(claims).includes(secret) && !redirect.href.includes(secret), secret);
  }
});

test('the nonce is new in every login and kept in the transaction only', async () => {
  const [one, two] = [await sendToPicker(), await sendToPicker({ event: silentEvent() })];

  assert.notEqual(one.claims.nonce, two.claims.nonce);
  for (const { claims, transactionMetadata } of [one, two]) {
    assert.deepEqual(transactionMetadata, { org_selector_nonce: claims.nonce });
  }
});

test('the first secret of the list signs during a rotation', async () => {
  const second = 'session-secret-before-rotation-1';

  await sendToPicker({ secrets: { SESSION_TOKEN_SECRETS: `${second} ${SESSION_SECRET}` }, secret: second });
});

for (const [name, given, expected] of [
  ['is a slug', 'xyz-travel', 'xyz-travel'],
  ['is doubled', ['a', 'b'], ''],
  ['is markup', '<b>', ''],
  ['is missing', undefined, ''],
]) {
  test(`a hint that ${name} reaches the page as ${JSON.stringify(expected)}`, async () => {
    const { claims } = await sendToPicker({ change: (event) => { event.request.query['ext-org'] = given; } });

    assert.equal(claims.hint, expected);
  });
}

for (const [name, given, expected] of [
  ['an id', '0b7d1f2e-3c4a-4b5c-8d6e-7f8091a2b3c4', '0b7d1f2e-3c4a-4b5c-8d6e-7f8091a2b3c4'],
  ['64 characters', 'a'.repeat(64), 'a'.repeat(64)],
  ['65 characters', 'a'.repeat(65), 'a'.repeat(64)],
  ['nothing', undefined, ''],
]) {
  test(`hint, invitation and binding of ${name} reach the page, cut to what an id or a slug can have`, async () => {
    const { claims } = await sendToPicker({
      change: (event) => {
        if (given === undefined) return;
        Object.assign(event.request.query, { 'ext-org': given, 'ext-invitation': given });
        event.client.metadata.organization = given;
      },
    });

    assert.deepEqual([claims.hint, claims.invitation, claims.bound], [expected, expected, expected]);
  });
}

for (const [name, given, expected] of [
  ['an https app', 'https://app.acme.example/callback?code=1#x', 'https://app.acme.example'],
  ['another port', 'https://app.acme.example:8443/', 'https://app.acme.example:8443'],
  ['localhost', 'http://localhost:3000/callback', 'http://localhost:3000'],
  ['a loopback address', 'http://127.0.0.1:49152/', 'http://127.0.0.1:49152'],
  ['IPv6 loopback', 'http://[::1]:3000/', 'http://[::1]:3000'],
  ['a name outside ASCII', 'https://b\u00fccher.example/', 'https://xn--bcher-kva.example'],
  ['a password in the URL', 'https://joe:secret@app.acme.example/', 'https://app.acme.example'],
  ['an app\'s own scheme', 'com.example.app://acme.eu.auth0.com/ios/callback', 'com.example.app:'],
  ['an app\'s own scheme without a host', 'com.example.app:/callback', 'com.example.app:'],
]) {
  test(`the token names the origin of ${name}, never a whole URL`, async () => {
    const { claims } = await sendToPicker({ change: (event) => { event.transaction.redirect_uri = given; } });

    assert.equal(claims.app_origin, expected);
  });
}

test('the ten thousandth origin outside ASCII is named like the first, despite a fault in Node 22', async () => {
  for (let call = 0; call < 10000; call += 1) URL.canParse('https://b\u00fccher.example/');
  const { claims } = await sendToPicker({ change: (event) => { event.transaction.redirect_uri = 'https://b\u00fccher.example/'; } });

  assert.equal(claims.app_origin, 'https://xn--bcher-kva.example');
});

for (const given of [undefined, '', 'no url', '/relative']) {
  test(`a login whose redirect_uri is ${JSON.stringify(given)} goes on and names no origin`, async () => {
    const { claims } = await sendToPicker({ change: (event) => { event.transaction.redirect_uri = given; } });

    assert.equal(claims.app_origin, '');
  });
}

for (const [name, given, expected] of [
  ['80 characters', 'a'.repeat(80), 'a'.repeat(80)],
  ['81 characters', 'a'.repeat(81), 'a'.repeat(80)],
  ['100 emoji', '\u{1f9ed}'.repeat(100), '\u{1f9ed}'.repeat(40)],
  ['a letter across 160 bytes', `${'\u20ac'.repeat(53)}\u00e9`, '\u20ac'.repeat(53)],
  ['an emoji at the limit', `${'a'.repeat(79)}\u{1f9ed}b`, `${'a'.repeat(79)}\u{1f9ed}`],
  ['half a pair', 'a\ud800', 'a\ufffd'],
  ['NUL', 'a\0b', 'ab'],
  ['nothing', undefined, ''],
  ['null', null, ''],
]) {
  test(`the token cuts an application name of ${name} to what the page shows`, async () => {
    const { claims } = await sendToPicker({ change: (event) => { event.client.name = given; } });

    assert.equal(claims.client_name, expected);
  });
}

test('an application without metadata sends no binding', async () => {
  assert.equal((await sendToPicker({ change: (event) => { delete event.client.metadata; } })).claims.bound, '');
});

for (const [uiLocales, locale, expected] of [
  [['de-CH', 'fr'], 'en', 'de-CH'],
  [[], 'en', 'en'],
  [undefined, 'ar', 'ar'],
  [undefined, undefined, ''],
  [['x'.repeat(36)], 'en', 'x'.repeat(35)],
]) {
  test(`the token says ${JSON.stringify(expected)} for ui_locales ${JSON.stringify(uiLocales)} and locale ${locale}`, async () => {
    const { claims } = await sendToPicker({
      change: (event) => { Object.assign(event.transaction, { ui_locales: uiLocales, locale }); },
    });

    assert.equal(claims.locale, expected);
  });
}

test('the token fits into 2048 bytes with the longest value of everything', async () => {
  const event = pageEvent();
  event.client = { client_id: 'c'.repeat(32), name: '\u{1f9ed}'.repeat(200) };
  event.request.hostname = `${'t'.repeat(63)}.eu.auth0.com`;
  event.request.ip = '2001:0db8:85a3:0000:0000:8a2e:0370:7334';
  Object.assign(event.request.query, { 'ext-org': '/'.repeat(255), 'ext-invitation': '/'.repeat(255) });
  event.client.metadata = { organization: '\u{1f9ed}'.repeat(64) };
  event.transaction.redirect_uri = `https://${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.example:65535/`;
  event.transaction.ui_locales = ['l'.repeat(200)];
  event.user.user_id = `samlp|${'u'.repeat(249)}`;
  const { sessionToken } = await sendToPicker({ event, answer: choose('organization_suspended') });

  assert.ok(sessionToken.length <= 2048, `${sessionToken.length} bytes`);
});
