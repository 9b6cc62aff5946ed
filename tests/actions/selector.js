'use strict';
/**
 * The selector as a test wants it: a real HTTP server on this machine that notes what it is asked
 * and answers what it is told to. One for each process; it does not keep the process alive.
 */
const http = require('node:http');

const ORGANIZATION = {
  id: '0b7d1f2e-3c4a-4b5c-8d6e-7f8091a2b3c4',
  slug: 'xyz-travel',
  name: 'XYZ Travel',
  role: 'member',
};

/** A reply of this status and body; a body that is not text becomes JSON. */
function reply(body, status = 200, headers = {}) {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(text);
  };
}

/** The answer that lets a login go on for this organization. */
function organization(changes) {
  return reply({ outcome: 'organization', organization: { ...ORGANIZATION, ...changes } });
}

const choose = (notice = '') => reply({ outcome: 'choose', notice });
const refuse = (reason) => reply({ outcome: 'refuse', reason });

const state = { respond: organization(), received: [], open: new Set() };

const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { method, url, headers } = request;
  const received = { method, url, headers, body: Buffer.concat(chunks) };
  state.received.push(received);
  state.open.add(response.on('close', () => state.open.delete(response)));
  state.respond(response, received);
});
server.keepAliveTimeout = 0; // no test sees the end of another test's connection
server.on('connection', (socket) => socket.unref());

/** Begin a scene: from now on `respond(response, received)` answers. Return the URL and the notes. */
async function listen(respond) {
  if (!server.listening) {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
  }
  state.respond = respond;
  state.received = [];
  return { url: `http://127.0.0.1:${server.address().port}`, received: state.received };
}

/** A URL where no server listens. */
async function findSilentUrl() {
  const gone = http.createServer();
  await new Promise((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const { port } = gone.address();
  await new Promise((resolve) => gone.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** Close the connections of answers that do not end. */
function hangUp() {
  for (const response of state.open) response.destroy();
}

module.exports = { ORGANIZATION, choose, findSilentUrl, hangUp, listen, organization, refuse, reply };
