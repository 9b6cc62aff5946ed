'use strict';
/**
 * The two tokens of a redirect, both HS256: the one that an Action sends with the user (`encodeToken`) and the one
 * that comes back (`validateToken`). Source: Auth0's page "Redirect with Actions". What the page does not say is in
 * the `assumptions` (assumptions.py).
 */
const crypto = require('node:crypto');

function encodeToken(event, { secret, payload, expiresInSeconds }) {
  const now = Math.floor(Date.now() / 1000);
  // The payload comes last, because at Auth0, too, a `sub` or `exp` in it replaces Auth0's own.
  const claims = {
    iat: now,
    iss: event.request.hostname,
    sub: event.user.user_id,
    exp: now + (expiresInSeconds ?? 900),
    ip: event.request.ip,
    ...payload,
  };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${crypto.createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

function readToken(token) {
  try {
    const [header, payload, signature, ...rest] = token.split('.');
    if (signature === undefined || rest.length) return null;
    const json = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
    return { header: json(header), payload: json(payload), signed: `${header}.${payload}`, signature };
  } catch {
    return null;
  }
}

/** Return why a return token is refused, or null. Checked in this order: state, signature, claims, subject, expiry. */
function findTokenFault({ token, secret, issuer, expectedState, expectedSub, assumptions }) {
  const read = typeof token === 'string' ? readToken(token) : null;
  const claims = read?.payload;
  if (claims?.state !== undefined && claims.state !== expectedState) {
    return 'State in the token does not match the /continue state.';
  }
  if (read === null || read.header?.alg !== 'HS256') return 'Failed signature validation';
  const wanted = crypto.createHmac('sha256', secret).update(read.signed).digest();
  const given = Buffer.from(read.signature, 'base64url');
  if (given.length !== wanted.length || !crypto.timingSafeEqual(given, wanted)) return 'Failed signature validation';
  if (claims === null || typeof claims !== 'object' || Array.isArray(claims)) return 'Unexpected token payload type';
  const now = Math.floor(Date.now() / 1000);
  const complete =
    Number.isFinite(claims.iat) && Number.isFinite(claims.exp) && ['sub', 'iss', 'state'].every((name) => typeof claims[name] === 'string');
  if (!complete || (assumptions.return_token_iss_enforced && claims.iss !== issuer)) {
    return 'Missing or invalid standard claims';
  }
  if (claims.sub !== expectedSub) return 'The sub claim does not match the user_id.';
  if (claims.exp <= now + assumptions.return_token_minimum_seconds) return 'Token has expired.';
  return null;
}

function validateToken(event, assumptions, { secret, tokenParameterName = 'session_token' }) {
  const parameters = { ...event.request.query, ...event.request.body };
  const token = parameters[tokenParameterName];
  if (token === undefined) {
    throw new Error(`There is no parameter called '${tokenParameterName}' available in either the POST body or query string.`);
  }
  const expectedState = assumptions.body_state_overrides ? parameters.state : event.request.query.state;
  const fault = findTokenFault({
    token, secret, issuer: event.request.hostname, expectedState, expectedSub: event.user.user_id, assumptions,
  });
  if (fault !== null) throw new Error(`The session token is invalid: ${fault}`);
  return readToken(token).payload;
}

module.exports = { encodeToken, validateToken };
