/**
 * Make every token of your API name exactly one organization. At every login, silent login and
 * refresh this Action asks the selector for the organization, and sets the claims from its answer
 * alone. If the person must choose, the Action redirects the browser to the picker. The choice
 * comes back in `onContinuePostLogin`, which asks the selector again.
 *
 * Bind it last in the post-login flow. Its secrets (lists are separated by spaces):
 *
 *   SELECTOR_URL               the URL of the selector, https://…
 *   SESSION_TOKEN_SECRETS      for tokens to the selector; the first secret signs
 *   SELECTION_TOKEN_SECRETS    for tokens from the picker; each secret is tried
 *   CLAIM_NAMESPACE            a URL you own, ending in /
 *   AUDIENCES                  the APIs whose tokens need an organization; others pass unchanged
 *   REMEMBER_IN_REFRESH_TOKEN  "true" if your plan has refresh token metadata; else leave it out
 *
 * If anything is missing, late or unexpected, the login ends in `api.access.deny` with one of the
 * fixed codes; no token is issued without an answer of the selector. The Action decides nothing
 * itself and keeps nothing between logins.
 *
 * Source: https://auth0.com/docs/customize/actions/redirect-with-actions
 */
'use strict';

const crypto = require('node:crypto');

const ANSWER_LIMIT = 16384; // bytes
const ANSWER_TIMEOUT = 3000; // milliseconds; a slow selector must not block the tenant's logins
const DECISION_TOKEN_LIFETIME = 30; // seconds
const SESSION_TOKEN_LIFETIME = 600; // seconds a person may take to choose
const SELECTION_TOKEN_LIFETIME = 120; // seconds
const MIN_SECRET_LENGTH = 32;

const PAGE_PROTOCOLS = ['oidc-basic-profile', 'oidc-implicit-profile', 'oidc-hybrid-profile'];
const FOREIGN_PROTOCOLS = ['samlp', 'wsfed', 'wstrust-usernamemixed'];
const REASONS = [
  'organization_required',
  'not_a_member',
  'no_organization',
  'organization_suspended',
  'selection_failed',
];
const ROLES = ['owner', 'admin', 'member'];
const CHOICES = ['org_id', 'invitation_id', 'new_organization'];
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SLUG = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const NAMESPACE = /^https?:\/\/[^\s/?#]+\/([^\s?#]*\/)?$/;
const PARAMETER = /^[-\w.*~@+ /:]{1,255}$/; // a value that Auth0 accepts for ext-…
const NONCE = 'org_selector_nonce'; // in event.transaction.metadata
const TEXT_LIMIT = 2048; // characters that the selector accepts

/** End the login; `code` is all that the application learns. */
class Denied extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/**
 * @param {Event} event
 * @param {PostLoginAPI} api
 */
exports.onExecutePostLogin = async function (event, api) {
  await guard(event, api, async (settings) => {
    const answer = await askSelector(event, settings, undefined);
    if (answer.outcome === 'choose') {
      sendToPicker(event, api, settings, answer.notice);
    } else {
      setClaims(event, api, settings, answer.organization);
    }
  });
};

/**
 * @param {Event} event
 * @param {PostLoginAPI} api
 */
exports.onContinuePostLogin = async function (event, api) {
  await guard(event, api, async (settings) => {
    const choice = verifySelection(event, api, settings);
    const answer = await askSelector(event, settings, choice);
    if (answer.outcome === 'choose' || answer.organization.id !== choice.org_id) {
      throw new Denied('selection_failed');
    }
    setClaims(event, api, settings, answer.organization);
  });
};

/** Run `work` for logins to one of AUDIENCES; every error in it denies the login. */
async function guard(event, api, work) {
  try {
    const audiences = readWords(event.secrets.AUDIENCES);
    if (audiences.length === 0) {
      throw new Error('AUDIENCES is empty'); // else every login would pass
    }
    if (!audiences.includes(event.resource_server?.identifier)) return;
    if (FOREIGN_PROTOCOLS.includes(event.transaction?.protocol)) return;
    await work(readSettings(event.secrets));
  } catch (error) {
    const code = error instanceof Denied ? error.code : 'temporarily_unavailable';
    console.log(`select-organization: ${code} (${error?.name})`);
    api.access.deny(code);
  }
}

function readSettings(secrets) {
  const url = new URL(secrets.SELECTOR_URL);
  if (url.protocol !== 'https:' && !['localhost', '127.0.0.1'].includes(url.hostname)) {
    throw new Error('SELECTOR_URL must begin with https://');
  }
  const sessionSecrets = readWords(secrets.SESSION_TOKEN_SECRETS);
  const selectionSecrets = readWords(secrets.SELECTION_TOKEN_SECRETS);
  if (sessionSecrets.length === 0 || selectionSecrets.length === 0) {
    throw new Error('a list of secrets is empty');
  }
  if ([...sessionSecrets, ...selectionSecrets].some((one) => one.length < MIN_SECRET_LENGTH)) {
    throw new Error('a secret is too short');
  }
  if (!NAMESPACE.test(secrets.CLAIM_NAMESPACE)) {
    throw new Error('CLAIM_NAMESPACE must be a URL that ends in /');
  }
  return {
    selectorUrl: url.origin,
    sessionSecret: sessionSecrets[0],
    selectionSecrets,
    namespace: secrets.CLAIM_NAMESPACE,
    remember: secrets.REMEMBER_IN_REFRESH_TOKEN === 'true',
  };
}

/** Return whether a page can be shown. A protocol that is not listed has no browser. */
function readInteraction(event) {
  const transaction = event.transaction ?? {};
  if (!PAGE_PROTOCOLS.includes(transaction.protocol)) return 'refresh';
  if (transaction.response_type?.some((type) => readWords(type).includes('token'))) {
    throw new Denied('selection_failed'); // the access token would be in the URL
  }
  const prompts = [...(transaction.prompt ?? []), ...readWords(event.request.query?.prompt)];
  return prompts.includes('none') ? 'silent' : 'page';
}

/** Ask the selector about this login, after the picker with the `choice`; throw its refusal. */
async function askSelector(event, settings, choice) {
  const interaction = readInteraction(event);
  const question = {
    user: {
      id: event.user.user_id,
      email: readText(event.user.email),
      email_verified: event.user.email_verified === true,
      name: readText(event.user.name),
      connection: readText(event.connection?.name),
      strategy: readText(event.connection?.strategy),
    },
    client_id: event.client.client_id,
    interaction,
    hint: readParameter(event, 'ext-org'),
    bound: event.client.metadata?.organization ?? null,
    remembered: settings.remember ? readText(event.refresh_token?.metadata?.org_id) : null,
    invitation: readParameter(event, 'ext-invitation'),
    prompt_select: readParameter(event, 'ext-org-prompt') === 'select',
    choice,
  };
  const answer = readAnswer(await postQuestion(event, settings, JSON.stringify(question)));
  if (answer.outcome === 'refuse') throw new Denied(answer.reason);
  if (answer.outcome === 'choose' && interaction === 'refresh') {
    throw new Error('a choice where there is no browser');
  }
  return answer;
}

/** Return the body of the answer; throw if it is not a 200, too long or too late. */
async function postQuestion(event, settings, body) {
  const now = Math.floor(Date.now() / 1000);
  const decisionToken = signHs256(settings.sessionSecret, {
    iss: event.request.hostname,
    sub: event.user.user_id,
    aud: 'org-selector/decisions',
    iat: now,
    exp: now + DECISION_TOKEN_LIFETIME,
    body_sha256: crypto.createHash('sha256').update(body).digest('hex'),
  });
  const response = await fetch(`${settings.selectorUrl}/decisions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${decisionToken}`, 'content-type': 'application/json' },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWER_TIMEOUT),
  });
  if (response.status !== 200) throw new Error('the selector did not decide');
  const chunks = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > ANSWER_LIMIT) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readAnswer(text) {
  const answer = JSON.parse(text);
  switch (answer.outcome) {
    case 'organization':
      return { outcome: 'organization', organization: readOrganization(answer.organization) };
    case 'choose':
      if (typeof answer.notice !== 'string') throw new Error('the notice is not text');
      return { outcome: 'choose', notice: answer.notice };
    case 'refuse':
      if (!REASONS.includes(answer.reason)) throw new Error('an unknown reason');
      return { outcome: 'refuse', reason: answer.reason };
    default:
      throw new Error('an unknown outcome');
  }
}

function readOrganization({ id, slug, name, role }) {
  if (typeof id !== 'string' || !UUID.test(id)) throw new Error('not an organization id');
  if (typeof slug !== 'string' || !SLUG.test(slug)) throw new Error('not a slug');
  if (typeof name !== 'string' || name === '') throw new Error('not a name');
  if (!ROLES.includes(role)) throw new Error('not a role');
  return { id, slug, name, role };
}

function setClaims(event, api, settings, organization) {
  const { namespace } = settings;
  api.accessToken.setCustomClaim(`${namespace}org_id`, organization.id);
  api.accessToken.setCustomClaim(`${namespace}org_role`, organization.role);
  api.idToken.setCustomClaim(`${namespace}org_id`, organization.id);
  api.idToken.setCustomClaim(`${namespace}org_slug`, organization.slug);
  api.idToken.setCustomClaim(`${namespace}org_name`, organization.name);
  api.idToken.setCustomClaim(`${namespace}org_role`, organization.role);
  if (settings.remember && readInteraction(event) !== 'refresh') {
    api.refreshToken.setMetadata('org_id', organization.id); // allowed before it exists
  }
}

/** Redirect to the picker. With `prompt=none` Auth0 answers `interaction_required` instead. */
function sendToPicker(event, api, settings, notice) {
  const nonce = crypto.randomBytes(16).toString('base64url');
  api.transaction.setMetadata(NONCE, nonce);
  const sessionToken = api.redirect.encodeToken({
    secret: settings.sessionSecret,
    expiresInSeconds: SESSION_TOKEN_LIFETIME,
    // No iss, sub or exp here: they would replace Auth0's claims.
    payload: {
      aud: 'org-selector/select',
      client_id: event.client.client_id,
      client_name: cutText(event.client.name, 80),
      nonce,
      hint: readParameter(event, 'ext-org') ?? '',
      notice,
      app_origin: readAppOrigin(event.transaction.redirect_uri),
      locale: cutText(event.transaction.ui_locales?.[0] ?? event.transaction.locale, 35),
    },
  });
  api.redirect.sendUserTo(`${settings.selectorUrl}/select`, {
    query: { session_token: sessionToken },
  });
}

/** Return the choice that the picker signed for this login, or throw `selection_failed`. */
function verifySelection(event, api, settings) {
  const { query, body } = event.request;
  const claims = validateSelectionToken(api, settings.selectionSecrets);
  const nonce = event.transaction.metadata?.[NONCE];
  // validateToken compares with the `state` in the body, but Auth0 finds the login by the query's.
  if (body?.state !== undefined && body.state !== query.state) throw failed();
  if (claims.state !== query.state) throw failed();
  if (claims.aud !== 'select-organization') throw failed();
  if (claims.iss !== event.request.hostname) throw failed();
  if (claims.sub !== event.user.user_id) throw failed();
  if (typeof nonce !== 'string' || claims.nonce !== nonce) throw failed();
  if (!(claims.exp - claims.iat <= SELECTION_TOKEN_LIFETIME)) throw failed();
  if (CHOICES.filter((name) => claims[name] !== undefined).length !== 1) throw failed();
  if (typeof claims.org_id !== 'string' || !UUID.test(claims.org_id)) throw failed();
  if (typeof claims.remember !== 'boolean') throw failed();
  return { org_id: claims.org_id, nonce, remember: claims.remember };
}

function validateSelectionToken(api, secrets) {
  for (const secret of secrets) {
    try {
      return api.redirect.validateToken({ secret, tokenParameterName: 'selection_token' });
    } catch {
      continue; // during a rotation, another secret may have signed it
    }
  }
  throw failed();
}

function failed() {
  return new Denied('selection_failed');
}

function signHs256(secret, claims) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${crypto.createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Return a parameter as text; `null` if it is absent, empty if Auth0 would not accept it. */
function readParameter(event, name) {
  const value = event.request.query?.[name] ?? event.request.body?.[name];
  if (value === undefined) return null;
  return typeof value === 'string' && PARAMETER.test(value) ? value : '';
}

/** Return a text that JSON and Postgres can store: no lone surrogate, no NUL, not too long. */
function readText(value) {
  if (typeof value !== 'string' || value.length > TEXT_LIMIT) return null;
  return value.toWellFormed().replaceAll('\0', '');
}

/** Return at most `length` whole characters; empty if there is no text. */
function cutText(value, length) {
  return [...(readText(value) ?? '')].slice(0, length).join('');
}

function readWords(text) {
  return typeof text === 'string' ? text.split(/\s+/).filter(Boolean) : [];
}

/** Return the app's origin, for the picker's "Not you?" and form policy; they need no path. */
function readAppOrigin(redirectUri) {
  try {
    // Not URL.canParse: in Node 22 it refuses non-ASCII names after some thousand calls.
    const { origin, protocol } = new URL(redirectUri);
    return origin === 'null' ? protocol : origin; // a custom scheme has no origin
  } catch {
    return '';
  }
}
