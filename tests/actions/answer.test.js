'use strict';
/** What the Action does with each answer of the selector, above all with malformed and missing ones. */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { EVENTS, comeBack, ending, run } = require('./login.js');
const { ORGANIZATION, choose, findSilentUrl, hangUp, organization, refuse, reply } = require('./selector.js');

const REASONS = ['organization_required', 'not_a_member', 'no_organization', 'organization_suspended', 'selection_failed'];
const GOOD = { outcome: 'organization', organization: ORGANIZATION };

/** How each kind of login ends with this answer. */
async function endings(scene) {
  const found = {};
  for (const [kind, makeEvent] of Object.entries(EVENTS)) found[kind] = ending(await run({ event: makeEvent(), ...scene() }));
  found.back = ending(await comeBack(scene()));
  return found;
}

const all = (word) => ({ page: word, silent: word, refresh: word, back: word });
const without = (field) => Object.fromEntries(Object.entries(ORGANIZATION).filter(([name]) => name !== field));

/** The time limit of the Action, many times faster; returns the limits it asked for. */
async function hurried(work) {
  const own = Object.getOwnPropertyDescriptor(AbortSignal, 'timeout');
  const asked = [];
  const timeout = (milliseconds) => {
    asked.push(milliseconds);
    return own.value.call(AbortSignal, milliseconds / 30);
  };
  Object.defineProperty(AbortSignal, 'timeout', { ...own, value: timeout });
  try {
    await work();
  } finally {
    Object.defineProperty(AbortSignal, 'timeout', own);
    hangUp();
  }
  return asked;
}

test('every kind of login goes on when the selector names an organization', async () => {
  assert.deepEqual(await endings(() => ({})), all('organization'));
});

test('a choice leads to the picker where a page is possible, and a refresh is refused', async () => {
  assert.deepEqual(await endings(() => ({ answer: choose() })), {
    page: 'picker', silent: 'picker', refresh: 'temporarily_unavailable', back: 'selection_failed',
  });
});

test('a login on a television, which has no page, is refused when the selector wants a choice', async () => {
  const change = (event) => { event.transaction.protocol = 'oauth2-device-code'; };

  assert.equal(ending(await run({ change })), 'organization');
  assert.equal(ending(await run({ change, answer: choose() })), 'temporarily_unavailable');
});

test('an outcome of a later version is refused', async () => {
  const { log } = await run({ answer: reply({ ...GOOD, outcome: 'later' }) });

  assert.equal(log, 'select-organization: temporarily_unavailable (an unknown outcome)\n');
});

for (const reason of REASONS) {
  test(`the app is told ${reason} when the selector refuses with it`, async () => {
    assert.deepEqual(await endings(() => ({ answer: refuse(reason) })), all(reason));
  });
}

test('a login is refused when the selector names another organization than was chosen', async () => {
  const answer = organization({ id: ORGANIZATION.id.replace('0b', '0c') });

  assert.equal(ending(await comeBack()), 'organization');
  assert.equal(ending(await comeBack({ answer })), 'selection_failed');
});

test('every login is refused when no server listens at SELECTOR_URL', async () => {
  const secrets = { SELECTOR_URL: await findSilentUrl() };

  assert.deepEqual(await endings(() => ({ secrets })), all('temporarily_unavailable'));
});

/** Hang up on the first `count` questions, then answer the others. */
function hangUpOn(count, answer = organization()) {
  let left = count;
  return (response, received) => {
    left -= 1;
    if (left >= 0) response.destroy();
    else answer(response, received);
  };
}

test('a question whose connection breaks without an answer is asked once more, in the same words', async () => {
  for (const start of [run, comeBack]) {
    const login = await start({ answer: hangUpOn(1) });

    assert.equal(ending(login), 'organization');
    const [first, second] = login.received.map(({ headers, body }) => [headers.authorization, body.toString()]);
    assert.deepEqual(first, second);
  }
});

test('a login is refused when the connection breaks twice', async () => {
  for (const start of [run, comeBack]) {
    const login = await start({ answer: hangUpOn(2) });

    assert.deepEqual([ending(login), login.received.length], ['temporarily_unavailable', 2]);
  }
});

for (const [name, answer] of Object.entries({
  'a redirect': reply('', 302, { location: '/elsewhere' }),
  'a failure': reply('', 503),
  'a good answer that breaks off': (response) => {
    response.writeHead(200, { 'content-length': 500 });
    response.write(JSON.stringify(GOOD));
    setTimeout(() => response.destroy(), 20);
  },
})) {
  test(`a question is not asked again after ${name}, which is an answer`, async () => {
    const login = await run({ answer });

    assert.deepEqual([ending(login), login.received.length], ['temporarily_unavailable', 1]);
  });
}

test('a selector that is silent after a broken connection has what is left of the 3 seconds', async () => {
  const asked = await hurried(async () => {
    const login = await run({ answer: hangUpOn(1, () => {}) });

    assert.deepEqual([ending(login), login.received.length], ['temporarily_unavailable', 2]);
  });

  assert.deepEqual(asked, [3000]);
});

test('a good answer of 16,384 bytes is accepted and one byte more is refused', async () => {
  const padded = (size) => reply(JSON.stringify(GOOD).padEnd(size));

  assert.deepEqual(await endings(() => ({ answer: padded(16384) })), all('organization'));
  assert.deepEqual(await endings(() => ({ answer: padded(16385) })), all('temporarily_unavailable'));
});

test('a good answer in many small pieces is read as one', async () => {
  const answer = async (response) => {
    response.writeHead(200);
    const text = Buffer.from(JSON.stringify({ ...GOOD, organization: { ...ORGANIZATION, name: '\u{1f9ed}' } }));
    for (const byte of text) {
      response.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    response.end();
  };
  const login = await run({ answer });

  assert.equal(Object.values(login.idToken)[2], '\u{1f9ed}');
});

test('a small answer that unpacks to a huge one is refused', async () => {
  const bomb = require('node:zlib').gzipSync(JSON.stringify(GOOD).padEnd(1 << 20));
  const answer = reply(bomb, 200, { 'content-encoding': 'gzip' });

  assert.equal(ending(await run({ answer })), 'temporarily_unavailable');
});

test('an endless answer is cut off long before the time limit', async () => {
  let closed = false;
  const answer = (response) => {
    response.writeHead(200);
    const fill = () => { while (!closed && response.write(' '.repeat(4096))); };
    response.on('drain', fill);
    response.on('close', () => { closed = true; });
    fill();
  };
  const started = performance.now();

  assert.equal(ending(await run({ answer })), 'temporarily_unavailable');
  assert.ok(performance.now() - started < 2500);
  for (let turn = 0; turn < 100 && !closed; turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(closed, 'the connection is still open');
});

for (const [name, answer] of Object.entries({
  'never answers': () => {},
  'sends its status and then nothing': (response) => response.writeHead(200).flushHeaders(),
  'sends half an answer and then nothing': (response) => response.writeHead(200).write('{"outcome":"organi'),
})) {
  test(`a selector that ${name} delays a login for 3 s at most`, { timeout: 5000 }, async () => {
    const asked = await hurried(async () => {
      const started = performance.now();

      assert.equal(ending(await run({ answer })), 'temporarily_unavailable');
      const waited = performance.now() - started;
      assert.ok(waited > 90 && waited < 2500, `${waited} ms`);
    });
    assert.deepEqual(asked, [3000]);
  });
}

test('a login is refused when the selector closes the connection in the middle of a good answer', async () => {
  const answer = (response) => {
    response.writeHead(200, { 'content-length': '500' }).write(JSON.stringify(GOOD));
    setImmediate(() => response.destroy());
  };

  assert.equal(ending(await run({ answer })), 'temporarily_unavailable');
});

for (const status of [201, 202, 203, 206, 299, 400, 401, 403, 404, 429, 500, 502, 503]) {
  test(`a good answer with status ${status} is refused`, async () => {
    assert.deepEqual(await endings(() => ({ answer: reply(GOOD, status) })), all('temporarily_unavailable'));
  });
}

test('an answer with status 204 is refused', async () => {
  assert.deepEqual(await endings(() => ({ answer: reply('', 204) })), all('temporarily_unavailable'));
});

for (const status of [301, 302, 303, 307, 308]) {
  test(`a redirect ${status} to a good answer is not followed`, async () => {
    const answer = (response, { url }) => {
      if (url === '/decisions') reply(GOOD, status, { location: '/elsewhere' })(response);
      else reply(GOOD)(response);
    };
    const login = await run({ answer });

    assert.deepEqual([ending(login), login.received.length], ['temporarily_unavailable', 1]);
  });
}

const ODD_BODIES = {
  'an empty body': '',
  'an HTML page': '<!doctype html><title>Error</title>',
  'JSON cut short': JSON.stringify(GOOD).slice(0, -1),
  'JSON and more': `${JSON.stringify(GOOD)}x`,
  'null': 'null',
  'a list': [GOOD],
  'a string': '"organization"',
  'a number': '1',
  'an empty object': {},
  'no outcome': { organization: ORGANIZATION },
  'an unknown outcome': { ...GOOD, outcome: 'allow' },
  'an outcome in capitals': { ...GOOD, outcome: 'Organization' },
  'an outcome that is a list': { ...GOOD, outcome: ['organization'] },
  'an outcome of every object': { ...GOOD, outcome: 'constructor' },
  'a choice without a notice': { outcome: 'choose' },
  'a choice whose notice is null': { outcome: 'choose', notice: null },
  'a choice whose notice is a list': { outcome: 'choose', notice: ['hint_unknown'] },
  'a refusal without a reason': { outcome: 'refuse' },
  'a refusal with an unknown reason': { outcome: 'refuse', reason: 'because joe@example.com is rude' },
  'a refusal whose reason is our own outage': { outcome: 'refuse', reason: 'temporarily_unavailable' },
  'a refusal whose reason is a list': { outcome: 'refuse', reason: ['not_a_member'] },
  'no organization': { outcome: 'organization' },
  'an organization that is null': { outcome: 'organization', organization: null },
  'an organization that is an id': { outcome: 'organization', organization: ORGANIZATION.id },
  'a list of organizations': { outcome: 'organization', organization: [ORGANIZATION] },
};
for (const [name, body] of Object.entries(ODD_BODIES)) {
  test(`every login is refused when the selector answers with ${name}`, async () => {
    assert.deepEqual(await endings(() => ({ answer: reply(body) })), all('temporarily_unavailable'));
  });
}

const ODD_VALUES = {
  id: [
    ORGANIZATION.id.toUpperCase(), ORGANIZATION.id.replaceAll('-', ''), `{${ORGANIZATION.id}}`, `urn:uuid:${ORGANIZATION.id}`,
    `${ORGANIZATION.id}\n`, ` ${ORGANIZATION.id}`, `${ORGANIZATION.id}0`, `0${ORGANIZATION.id}`, '*', '', null, 7, true,
    [ORGANIZATION.id], { id: ORGANIZATION.id },
  ],
  slug: ['', 'ABC', 'a b', '-abc', 'abc-', 'a/b', 'abc\n', '<b>', `${'a'.repeat(64)}`, 'b\u00fcro', null, 7, true, ['abc'], {}],
  name: ['', null, 7, true, ['ABC'], {}],
  role: ['', 'superuser', 'Owner', 'owner ', null, 7, true, ['owner'], {}],
};
for (const [field, values] of Object.entries(ODD_VALUES)) {
  test(`every login is refused when the selector leaves out the ${field}`, async () => {
    const answer = reply({ outcome: 'organization', organization: without(field) });

    assert.deepEqual(await endings(() => ({ answer })), all('temporarily_unavailable'));
  });
  for (const value of values) {
    test(`every login is refused when the selector gives the ${field} ${JSON.stringify(value)}`, async () => {
      assert.deepEqual(await endings(() => ({ answer: organization({ [field]: value }) })), all('temporarily_unavailable'));
    });
  }
}

for (const [field, values] of Object.entries({
  slug: ['a', '7', 'a-b', 'a--b', 'a'.repeat(63)],
  name: ['A', '\u202e<script>\u{1f9ed}', 'n'.repeat(200)],
  role: ['owner', 'admin', 'member'],
})) {
  for (const value of values) {
    test(`a login goes on when the selector gives the ${field} ${JSON.stringify(value)}`, async () => {
      assert.equal(ending(await run({ answer: organization({ [field]: value }) })), 'organization');
    });
  }
}

test('a field that the Action does not know changes nothing', async () => {
  const answer = reply({ ...GOOD, organization: { ...ORGANIZATION, plan: 'gold' }, more: true });

  assert.deepEqual((await run({ answer })).idToken, (await run()).idToken);
});
