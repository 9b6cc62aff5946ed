/**
 * Make every token of your API name exactly one organization. At every login, silent login and
 * refresh this Action asks the selector for the organization, and sets the claims from its answer
 * alone. If the person must choose, the Action redirects the browser to the picker. The choice
 * comes back in `onContinuePostLogin`, which asks the selector again.
 *
 * Bind it last in the post-login flow, and `keep-organization-hint` first. Its secrets (lists are
 * separated by spaces or commas):
 *
 *   SELECTOR_URL               the URL of the selector, https://…
 *   SESSION_TOKEN_SECRETS      for tokens to the selector; the first secret signs
 *   SELECTION_TOKEN_SECRETS    for tokens from the picker; each secret is tried
 *   CLAIM_NAMESPACE            a URL you own, ending in /
 *   AUDIENCES                  the APIs whose tokens need an organization; others pass unchanged
 *   REQUIRE_MFA                "true" if your tenant has an MFA policy: choosing needs it, too
 *   REMEMBER_IN_REFRESH_TOKEN  "true" if your plan has refresh token metadata; else "false"
 *
 * If anything is missing, late or unexpected, the login ends in `api.access.deny` with one of the
 * fixed codes; no token is issued without an answer of the selector. The Action decides nothing
 * itself and keeps nothing between logins.
 *
 * Not supported, and denied: logins through Auth0's own Organizations, and exchanges of foreign
 * tokens, in which an application acts for a person. Logins without an API, and SAML and WS-Fed
 * logins, pass unchanged.
 *
 * Source: https://auth0.com/docs/customize/actions/redirect-with-actions
 */
'use strict';

const crypto = require('node:crypto');

const VERSION = 1; // of the question and the session token
const ANSWER_LIMIT = 16384; // bytes
const ANSWER_TIMEOUT = 3000; // milliseconds; a slow selector must not block the tenant's logins
const DECISION_TOKEN_LIFETIME = 30; // seconds
const SESSION_TOKEN_LIFETIME = 300; // seconds a person may take to choose
const SELECTION_TOKEN_LIFETIME = 300; // seconds
const MIN_SECRET_LENGTH = 32;

const PAGE_PROTOCOLS = ['oidc-basic-profile', 'oidc-implicit-profile', 'oidc-hybrid-profile'];
const FOREIGN_PROTOCOLS = ['samlp', 'wsfed', 'wstrust-usernamemixed'];
const NATIVE_SOCIAL = [
  'http://auth0.com/oauth/token-type/apple-authz-code',
  'http://auth0.com/oauth/token-type/facebook-info-session-access-token',
  'http://auth0.com/oauth/token-type/google-id-token',
];
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
const PLACEHOLDER = /##\w+##|@@\w+@@/; // of Auth0's Deploy CLI
const NONCE = 'org_selector_nonce'; // in event.transaction.metadata
const WISH = 'org_selector_wish'; // there, too: written by keep-organization-hint
const UNKNOWN_WISH = 'the wish of this login is unknown; is keep-organization-hint bound first?';
const NO_WISH = { hint: null, prompt_select: false, invitation: null };
const TEXT_LIMIT = 2048; // characters that the selector accepts
const ADDRESS_LIMIT = 320; // characters of an e-mail address
const NAME_LIMIT = 200; // characters of an organization's name
const REFERENCE_LIMIT = 64; // characters; ids have 36, slugs at most 63
const MAX_IDENTITIES = 20;

/** End the login with this code, which is all that the application learns. */
class Denied extends Error {
  constructor(code, cause) {
    super(cause);
    this.code = code;
  }
}

/** End the login with `temporarily_unavailable`. Causes are texts of this file; they are logged. */
class Unusable extends Denied {
  constructor(cause) {
    super('temporarily_unavailable', cause);
  }
}

/**
 * @param {Event} event
 * @param {PostLoginAPI} api
 */
exports.onExecutePostLogin = async function (event, api) {
  await guard(event, api, async (settings) => {
    const interaction = readInteraction(event);
    const wish = interaction === 'refresh' ? readParameters(event.request) : readWish(event);
    const answer = await askSelector(event, settings, { interaction, ...wish });
    if (answer.outcome === 'organization') {
      setClaims(api, settings, answer.organization);
      if (interaction !== 'refresh') rememberOrganization(api, settings, answer.organization);
    } else if (interaction === 'refresh') {
      throw new Unusable('the selector wants a choice where there is no browser');
    } else {
      if (interaction === 'page') requireSecondFactor(event, settings);
      sendToPicker(event, api, settings, wish, answer.notice);
    }
  });
};

/**
 * @param {Event} event
 * @param {PostLoginAPI} api
 */
exports.onContinuePostLogin = async function (event, api) {
  await guard(event, api, async (settings) => {
    requireSecondFactor(event, settings); // before the question, which applies the choice
    const choice = verifySelection(event, api, settings);
    // Only a page can have been redirected. What the app asked for has led to the choice.
    const answer = await askSelector(event, settings, { interaction: 'page', ...NO_WISH, choice });
    if (answer.outcome === 'choose') throw failed('the selector did not grant the choice');
    // For an invitation and a new organization, only the selector knows which one it is.
    if (choice.org_id !== undefined && answer.organization.id !== choice.org_id) {
      throw failed('the selector granted another organization');
    }
    setClaims(api, settings, answer.organization);
    rememberOrganization(api, settings, answer.organization);
  });
};

/** Run `work` for logins to one of AUDIENCES; every error in it denies the login. */
async function guard(event, api, work) {
  try {
    const audiences = readList(event.secrets, 'AUDIENCES'); // empty, it would let every login pass
    if (!event.resource_server) {
      console.log(`select-organization: no API in a login of ${event.client?.client_id}`);
      return;
    }
    if (!audiences.includes(event.resource_server.identifier)) return;
    if (FOREIGN_PROTOCOLS.includes(event.transaction?.protocol)) return;
    if (event.organization) {
      throw new Denied('organizations_conflict', 'a login through Organizations of Auth0');
    }
    requirePerson(event);
    await work(readSettings(event.secrets));
  } catch (error) {
    // The message of any other error may quote the login, so only its name is logged.
    const { code, message } = error instanceof Denied ? error : new Unusable(error?.name);
    console.log(`select-organization: ${code} (${message})`);
    api.access.deny(code);
  }
}

/** Deny what acts for a person: an exchange of a foreign token, and a delegated session. */
function requirePerson({ transaction, session }) {
  const exchange = transaction?.protocol === 'oauth2-token-exchange';
  const foreign = exchange && !NATIVE_SOCIAL.includes(transaction.subject_token_type);
  if (foreign || transaction?.actor || session?.actor) {
    throw new Denied('organization_required', 'an application acts for the person');
  }
}

/** Auth0 runs its own MFA policy after all Actions: until then the password alone was checked. */
function requireSecondFactor(event, settings) {
  if (!settings.requireMfa) return;
  const names = event.authentication?.methods?.map((method) => method.name) ?? [];
  if (names.includes('mfa') || names.includes('passkey')) return;
  throw new Denied('second_factor_required', 'no Action before this one asked for it');
}

function readSettings(secrets) {
  const url = readUrl(readSecret(secrets, 'SELECTOR_URL'));
  if (url?.protocol !== 'https:' && !['localhost', '127.0.0.1'].includes(url?.hostname)) {
    throw new Unusable('SELECTOR_URL must begin with https://');
  }
  const sessionSecrets = readList(secrets, 'SESSION_TOKEN_SECRETS');
  const selectionSecrets = readList(secrets, 'SELECTION_TOKEN_SECRETS');
  if ([...sessionSecrets, ...selectionSecrets].some((one) => one.length < MIN_SECRET_LENGTH)) {
    throw new Unusable(`a secret has fewer than ${MIN_SECRET_LENGTH} characters`);
  }
  const namespace = readSecret(secrets, 'CLAIM_NAMESPACE');
  if (!NAMESPACE.test(namespace)) throw new Unusable('CLAIM_NAMESPACE must be a URL that ends in /');
  return {
    selectorUrl: url.origin,
    sessionSecret: sessionSecrets[0],
    selectionSecrets,
    namespace,
    requireMfa: readSwitch(secrets, 'REQUIRE_MFA'),
    remember: readSwitch(secrets, 'REMEMBER_IN_REFRESH_TOKEN'),
  };
}

function readSecret(secrets, name) {
  const value = secrets[name] ?? '';
  if (typeof value !== 'string' || PLACEHOLDER.test(value)) throw new Unusable(`${name} is not set`);
  return value;
}

function readList(secrets, name) {
  const words = readWords(readSecret(secrets, name));
  if (words.length === 0) throw new Unusable(`${name} is empty`);
  return words;
}

function readSwitch(secrets, name) {
  const value = readSecret(secrets, name);
  if (!['true', 'false', ''].includes(value)) throw new Unusable(`${name} must be true or false`);
  return value === 'true';
}

/** Return whether a page can be shown. A protocol that is not listed has no browser. */
function readInteraction(event) {
  const transaction = event.transaction ?? {};
  if (!PAGE_PROTOCOLS.includes(transaction.protocol)) return 'refresh';
  if (readWords(transaction.response_type).includes('token')) {
    throw failed('the access token would be in the URL');
  }
  const prompts = [...readWords(transaction.prompt), ...readWords(event.request.query?.prompt)];
  return prompts.includes('none') ? 'silent' : 'page';
}

/**
 * Return what the app asked for in a login with a browser. After a suspension only the metadata
 * says so. If it does not, the person is asked, so that no default is taken by mistake.
 */
function readWish({ request, transaction }) {
  const wish = readKeptWish(transaction.metadata?.[WISH]);
  if (wish !== null) return wish;
  if (isAuthorizeRequest(request)) return readParameters(request);
  console.log(`select-organization: ${UNKNOWN_WISH}`);
  return { ...NO_WISH, prompt_select: true };
}

/** Return the wish that `keep-organization-hint` wrote; `null` if the text is not one. */
function readKeptWish(text) {
  try {
    const { org, prompt, invitation } = JSON.parse(text);
    const isWish = [org, prompt, invitation].every((one) => one === null || typeof one === 'string');
    return isWish ? toWish(org, prompt, invitation) : null;
  } catch {
    return null;
  }
}

/** Return what the parameters of this request ask for. */
function readParameters({ query, body }) {
  const given = { ...body, ...query };
  return toWish(given['ext-org'], given['ext-org-prompt'], given['ext-invitation']);
}

/**
 * Return whether the request shows the app's parameters. That of /continue or of a second factor
 * does not. A pushed or signed request (RFC 9126, RFC 9101) may have them where no Action sees them.
 */
function isAuthorizeRequest({ query, body }) {
  const given = { ...body, ...query };
  const shown = Object.keys(given).some((name) => name.startsWith('ext-'));
  const hidden = given.request_uri !== undefined || given.request !== undefined;
  return given.client_id !== undefined && (shown || !hidden);
}

function toWish(org, prompt, invitation) {
  return {
    hint: readParameter(org),
    prompt_select: readParameter(prompt) === 'select',
    invitation: readParameter(invitation),
  };
}

/** Return a parameter as text; `null` if it is absent, empty if Auth0 would not accept it. */
function readParameter(value) {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' && PARAMETER.test(value) ? value : '';
}

/** Ask the selector about this login, after the picker with the `choice`; throw its refusal. */
async function askSelector(event, settings, asked) {
  const { user, client, connection } = event;
  const question = {
    version: VERSION,
    user: {
      id: user.user_id,
      email: readText(user.email),
      email_verified: user.email_verified === true,
      name: readText(user.name),
      connection: readText(connection?.name),
      strategy: readText(connection?.strategy),
      identities: readIdentities(user, connection),
    },
    client_id: client.client_id,
    bound: client.metadata?.organization ?? null,
    remembered: settings.remember ? readText(event.refresh_token?.metadata?.org_id) : null,
    ...asked,
  };
  const answer = readAnswer(await postQuestion(event, settings, JSON.stringify(question)));
  if (answer.outcome === 'refuse') throw new Denied(answer.reason, 'so the selector decided');
  return answer;
}

/** List the addresses of the identities of this connection; linked accounts have several. */
function readIdentities(user, connection) {
  return (user.identities ?? [])
    .filter((identity) => identity.connection === connection?.name)
    .slice(0, MAX_IDENTITIES)
    .map((identity) => {
      const primary = `${identity.provider}|${identity.user_id}` === user.user_id;
      const profile = primary ? user : identity.profileData;
      return {
        connection: readText(identity.connection),
        email: readText(profile?.email, ADDRESS_LIMIT),
        email_verified: profile?.email_verified === true,
      };
    });
}

/** Return the body of the answer; throw if it is not a 200, too long or too late. */
async function postQuestion(event, settings, body) {
  if (!event.request.hostname) throw new Unusable('event.request.hostname is missing');
  const now = Math.floor(Date.now() / 1000);
  const decisionToken = signHs256(settings.sessionSecret, {
    iss: event.request.hostname,
    sub: event.user.user_id,
    aud: 'org-selector/decisions',
    iat: now,
    exp: now + DECISION_TOKEN_LIFETIME,
    body_sha256: crypto.createHash('sha256').update(body).digest('hex'),
  });
  const response = await fetchTwice(`${settings.selectorUrl}/decisions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${decisionToken}`, 'content-type': 'application/json' },
    body,
    redirect: 'manual', // a redirect is an answer, and not a 200
    signal: AbortSignal.timeout(ANSWER_TIMEOUT),
  });
  if (response.status !== 200) throw new Unusable(`the selector answered ${response.status}`);
  const chunks = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > ANSWER_LIMIT) throw new Unusable('the answer of the selector is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Fetch; once more if the connection failed without an HTTP answer. */
async function fetchTwice(url, options) {
  try {
    return await fetch(url, options);
  } catch {
    return await fetch(url, options); // this throws at once if the signal has ended the first
  }
}

function readAnswer(text) {
  const answer = JSON.parse(text);
  switch (answer.outcome) {
    case 'organization':
      return { outcome: 'organization', organization: readOrganization(answer.organization) };
    case 'choose':
      if (typeof answer.notice !== 'string') throw new Unusable('the notice is not text');
      return { outcome: 'choose', notice: answer.notice };
    case 'refuse':
      if (!REASONS.includes(answer.reason)) throw new Unusable('an unknown reason');
      return { outcome: 'refuse', reason: answer.reason };
    default:
      throw new Unusable('an unknown outcome');
  }
}

function readOrganization({ id, slug, name, role }) {
  if (typeof id !== 'string' || !UUID.test(id)) throw new Unusable('not an organization id');
  if (typeof slug !== 'string' || !SLUG.test(slug)) throw new Unusable('not a slug');
  if (typeof name !== 'string' || name === '') throw new Unusable('not a name');
  if (!ROLES.includes(role)) throw new Unusable('not a role');
  return { id, slug, name, role };
}

function setClaims(api, { namespace }, organization) {
  api.accessToken.setCustomClaim(`${namespace}org_id`, organization.id);
  api.accessToken.setCustomClaim(`${namespace}org_role`, organization.role);
  api.idToken.setCustomClaim(`${namespace}org_id`, organization.id);
  api.idToken.setCustomClaim(`${namespace}org_slug`, organization.slug);
  api.idToken.setCustomClaim(`${namespace}org_name`, organization.name);
  api.idToken.setCustomClaim(`${namespace}org_role`, organization.role);
}

/** Note the organization for later refreshes; without the note, the app sends `ext-org` anyway. */
function rememberOrganization(api, settings, organization) {
  if (!settings.remember) return;
  try {
    api.refreshToken.setMetadata('org_id', organization.id); // allowed before it exists
  } catch (error) {
    console.log(`select-organization: the refresh token has no metadata (${error?.name})`);
  }
}

/** Redirect to the picker. With `prompt=none` Auth0 answers `interaction_required` instead. */
function sendToPicker(event, api, settings, wish, notice) {
  const { client, transaction } = event;
  const nonce = crypto.randomBytes(16).toString('base64url');
  api.transaction.setMetadata(NONCE, nonce);
  const sessionToken = api.redirect.encodeToken({
    secret: settings.sessionSecret,
    expiresInSeconds: SESSION_TOKEN_LIFETIME,
    // No iss, sub or exp here: they would replace Auth0's claims.
    payload: {
      version: VERSION,
      aud: 'org-selector/select',
      client_id: client.client_id,
      client_name: cutBytes(cutText(client.name, 80), 160),
      nonce,
      hint: cutText(wish.hint, REFERENCE_LIMIT),
      invitation: cutText(wish.invitation, REFERENCE_LIMIT),
      bound: cutText(client.metadata?.organization, REFERENCE_LIMIT),
      notice,
      app_origin: readAppOrigin(transaction.redirect_uri),
      locale: cutText(transaction.ui_locales?.[0] ?? transaction.locale, 35),
    },
  });
  api.redirect.sendUserTo(`${settings.selectorUrl}/select`, {
    query: { session_token: sessionToken },
  });
}

/** Return the choice that the picker signed for this login, or throw `selection_failed`. */
function verifySelection(event, api, settings) {
  const { query, body, hostname } = event.request;
  const claims = validateSelectionToken(api, settings.selectionSecrets);
  const nonce = event.transaction.metadata?.[NONCE]; // it binds the choice to this login
  if (typeof nonce !== 'string' || claims.nonce !== nonce) throw failed('nonce');
  // Auth0 finds the login by its `state`. Wherever an Action can see that, it is the token's.
  const states = [query?.state, body?.state].filter((state) => state !== undefined);
  if (states.some((state) => state !== claims.state)) throw failed('state');
  if (claims.aud !== 'select-organization') throw failed('aud');
  if (claims.iss !== hostname) throw failed('iss');
  if (claims.sub !== event.user.user_id) throw failed('sub');
  if (!(claims.exp - claims.iat <= SELECTION_TOKEN_LIFETIME)) throw failed('iat and exp');
  if (typeof claims.remember !== 'boolean') throw failed('remember');
  if (typeof claims.forget !== 'boolean') throw failed('forget');
  return { ...readChoice(claims), nonce, remember: claims.remember, forget: claims.forget };
}

/** Return the one thing that was chosen: an organization, an invitation or a new name. */
function readChoice(claims) {
  const chosen = CHOICES.filter((name) => claims[name] !== undefined);
  if (chosen.length !== 1) throw failed('choices');
  const [name] = chosen;
  const value = claims[name];
  if (typeof value !== 'string') throw failed(name);
  const valid = name === 'new_organization' ? isName(value) : UUID.test(value);
  if (!valid) throw failed(name);
  return { [name]: value };
}

/** The selector looks closer; what it would call malformed must not end as an outage. */
function isName(text) {
  return text !== '' && [...text].length <= NAME_LIMIT && readText(text) === text;
}

function validateSelectionToken(api, secrets) {
  for (const secret of secrets) {
    try {
      return api.redirect.validateToken({ secret, tokenParameterName: 'selection_token' });
    } catch {
      continue; // during a rotation, another secret may have signed it
    }
  }
  throw failed('the selection token');
}

function failed(cause) {
  return new Denied('selection_failed', cause);
}

function signHs256(secret, claims) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${crypto.createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Return a text that JSON and Postgres can store: no lone surrogate, no NUL, not too long. */
function readText(value, limit = TEXT_LIMIT) {
  if (typeof value !== 'string' || value.length > limit) return null;
  return value.toWellFormed().replaceAll('\0', '');
}

/** Return at most `length` whole characters; empty if there is no text. */
function cutText(value, length) {
  return [...(readText(value) ?? '')].slice(0, length).join('');
}

/** Return at most as many whole characters as fit into `size` bytes. */
function cutBytes(text, size) {
  const bytes = Buffer.from(text).subarray(0, size);
  return new TextDecoder().decode(bytes, { stream: true }); // without the rest of a cut character
}

/** Split a text, or each text of a list, at spaces and commas. */
function readWords(value) {
  const texts = [].concat(value).filter((text) => typeof text === 'string');
  return texts.flatMap((text) => text.split(/[\s,]+/)).filter(Boolean);
}

/** Return the app's origin, for the picker's "Not you?" and form policy; they need no path. */
function readAppOrigin(redirectUri) {
  const { origin, protocol } = readUrl(redirectUri) ?? { origin: '' };
  return origin === 'null' ? protocol : origin; // a custom scheme has no origin
}

function readUrl(text) {
  try {
    // Not URL.canParse: in Node 22 it refuses non-ASCII names after some thousand calls.
    return new URL(text);
  } catch {
    return null;
  }
}
