'use strict';
/**
 * One run of a real Action, in this process: an event as Auth0 makes it, the tenant's own `api`
 * objects, and a selector on this machine. What comes back is what the tenant would act upon.
 *
 * `use(file, source)` puts another text in the place of the file; the mutations do.
 */
const crypto = require('node:crypto');
const path = require('node:path');
const { createApi, DEFAULT_ASSUMPTIONS, DEFAULT_PLAN, loadAction, runAction } = require('../../local_tenant/run_action.js');
const selector = require('./selector.js');

const FILE = path.resolve(__dirname, '../../actions/select-organization/code.js');
const KEEP_FILE = path.resolve(__dirname, '../../actions/keep-organization-hint/code.js');
const AUDIENCE = 'https://api.example.com';
const NAMESPACE = 'https://claims.acme.example/';
const HOSTNAME = 'acme.eu.auth0.com';
const SESSION_SECRET = 'session-secret-for-tests-1234567';
const SELECTION_SECRET = 'selection-secret-for-tests-12345';
const NONCE = 'NoNcE0123456789abcdefg';
const STATE = 'hKFo2SBTdGF0ZQ';
const REFUSALS = [
  'organization_required', 'not_a_member', 'no_organization', 'organization_suspended', 'selection_failed',
  'temporarily_unavailable', 'organizations_conflict', 'second_factor_required',
];

const instances = new Map([FILE, KEEP_FILE].map((file) => [file, loadAction(file)]));

/** Run `source` instead of this file from now on. */
function use(file, source) {
  instances.set(file, loadAction(file, source));
}

/** A login in a browser, as `event` shows it. */
function pageEvent() {
  return {
    authentication: { methods: [{ name: 'pwd', timestamp: '2026-11-26T09:00:00.000Z' }] },
    client: { client_id: 'spa', name: 'Example App', metadata: {} },
    connection: { name: 'Username-Password-Authentication', strategy: 'auth0' },
    refresh_token: undefined,
    request: { hostname: HOSTNAME, ip: '192.0.2.1', method: 'GET', query: { client_id: 'spa' }, body: {} },
    resource_server: { identifier: AUDIENCE },
    secrets: {},
    transaction: {
      protocol: 'oidc-basic-profile',
      response_type: ['code'],
      prompt: [],
      redirect_uri: 'https://app.acme.example/callback?from=auth0',
      ui_locales: [],
      locale: 'en',
      metadata: {},
    },
    user: {
      user_id: 'auth0|joe',
      email: 'joe@example.com',
      email_verified: true,
      name: 'Joe Miller',
      picture: 'https://example.com/joe.png',
      identities: [
        { connection: 'Username-Password-Authentication', provider: 'auth0', user_id: 'joe', isSocial: false },
      ],
    },
  };
}

/** A login in a hidden frame. */
function silentEvent() {
  const event = pageEvent();
  event.transaction.prompt = ['none'];
  event.request.query.prompt = 'none';
  return event;
}

/** An exchange of a refresh token: no browser, parameters in the body. */
function refreshEvent() {
  const event = pageEvent();
  event.transaction = { protocol: 'oauth2-refresh-token' };
  event.request = { ...event.request, method: 'POST', query: {}, body: { grant_type: 'refresh_token', client_id: 'spa' } };
  event.refresh_token = { metadata: {} };
  return event;
}

/** A return from the picker with this token. */
function continueEvent(selectionToken) {
  const event = pageEvent();
  event.transaction.metadata = { org_selector_nonce: NONCE };
  event.request = { ...event.request, method: 'POST', query: { state: STATE }, body: { selection_token: selectionToken } };
  return event;
}

const EVENTS = { page: pageEvent, silent: silentEvent, refresh: refreshEvent };

function decode(part) {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}

/** The claims of a token, which must be HS256 under `secret`. */
function readToken(token, secret) {
  const [header, claims, mac] = token.split('.');
  const wanted = crypto.createHmac('sha256', secret).update(`${header}.${claims}`).digest('base64url');
  if (mac !== wanted) throw new Error('not signed with this secret');
  return { header: decode(header), claims: decode(claims) };
}

/** Sign by hand, so that the signature is right with every header. */
function sign(claims, { secret = SELECTION_SECRET, header = { alg: 'HS256', typ: 'JWT' } } = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${crypto.createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

function readSecrets(url, changes) {
  const secrets = {
    SELECTOR_URL: url,
    SESSION_TOKEN_SECRETS: SESSION_SECRET,
    SELECTION_TOKEN_SECRETS: SELECTION_SECRET,
    CLAIM_NAMESPACE: NAMESPACE,
    AUDIENCES: AUDIENCE,
    ...changes,
  };
  return Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== undefined));
}

/** An api whose validateToken checks the signature only: the Action must check the rest itself. */
function withLaxValidation(api, event) {
  const validateToken = ({ secret, tokenParameterName }) =>
    readToken({ ...event.request.query, ...event.request.body }[tokenParameterName], secret).claims;
  const redirect = { ...api.redirect, validateToken };
  return new Proxy(api, { get: (target, name) => (name === 'redirect' ? redirect : target[name]) });
}

/** Run the handler with Auth0's `api`, changed by `changeApi(api, event)`. */
async function runWithApi(changeApi, { handler = 'onExecutePostLogin', event, plan }) {
  const { api, effects } = createApi({
    event, handler, assumptions: DEFAULT_ASSUMPTIONS, plan: { ...DEFAULT_PLAN, ...plan },
  });
  await instances.get(FILE).exports[handler](event, changeApi(api, event));
  return { effects, error: null, console: '' };
}

/**
 * Run the Action once.
 * @param event made by one of the functions above; `change(event)` is applied to it.
 * @param secrets differences to the Action's secrets; undefined leaves one out.
 * @param answer what the selector does, see selector.js.
 */
async function run({ event = pageEvent(), change = () => {}, secrets, answer = selector.organization(), handler, changeApi, ...tenant } = {}) {
  const { url, received } = await selector.listen(answer);
  event.secrets = readSecrets(url, secrets);
  change(event);
  const result = changeApi
    ? await runWithApi(changeApi, { handler, event, ...tenant })
    : await runAction({ file: FILE, instance: instances.get(FILE), handler, event, ...tenant });
  if (result.error !== null) throw new Error(`the Action threw: ${result.error}`);
  return summarize(result, received);
}

/** Run keep-organization-hint once; `change(event)` is applied before. */
async function keep({ event = pageEvent(), change = () => {}, changeApi } = {}) {
  change(event);
  const { exports } = instances.get(KEEP_FILE);
  const result = changeApi
    ? await exports.onExecutePostLogin(event, changeApi()).then(() => null)
    : await runAction({ file: KEEP_FILE, instance: instances.get(KEEP_FILE), event });
  if (result?.error) throw new Error(`the Action threw: ${result.error}`);
  return result && { effects: result.effects, metadata: result.effects.transaction_metadata, log: result.console };
}

/** Come back from the picker with a token of these claims. */
async function comeBack({ claims, signing, token, ...scene } = {}) {
  const selectionToken = token ?? sign(selectionClaims(claims), signing);
  return run({ event: continueEvent(selectionToken), handler: 'onContinuePostLogin', ...scene });
}

/** The claims of a selection token that is valid for `continueEvent`. */
function selectionClaims(changes) {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: HOSTNAME,
    sub: 'auth0|joe',
    aud: 'select-organization',
    iat: now,
    exp: now + 300,
    jti: 'j'.repeat(22),
    state: STATE,
    nonce: NONCE,
    org_id: selector.ORGANIZATION.id,
    remember: false,
    forget: false,
    ...changes,
  };
}

function summarize({ effects, console: log }, received) {
  const redirect = effects.redirect === null ? null : new URL(effects.redirect);
  return {
    denied: effects.deny,
    redirect,
    sessionToken: redirect?.searchParams.get('session_token') ?? null,
    accessToken: { ...effects.access_token_claims },
    idToken: { ...effects.id_token_claims },
    transactionMetadata: effects.transaction_metadata,
    refreshTokenMetadata: effects.refresh_token_metadata,
    log,
    received,
    get question() {
      return JSON.parse(received[0].body);
    },
  };
}

/** How the login ended, in one word; an unexpected outcome has a word, too. */
function ending({ denied, redirect, accessToken, idToken }) {
  const claims = Object.keys({ ...accessToken, ...idToken }).length;
  if (denied !== null) return claims === 0 && redirect === null ? denied : `${denied} and more`;
  if (redirect !== null) return claims === 0 ? 'picker' : 'picker and claims';
  return claims === 0 ? 'nothing' : 'organization';
}

module.exports = {
  AUDIENCE, EVENTS, FILE, HOSTNAME, KEEP_FILE, NAMESPACE, NONCE, REFUSALS, SELECTION_SECRET, SESSION_SECRET, STATE,
  comeBack, continueEvent, ending, findInstance: (file = FILE) => instances.get(file), keep, pageEvent, readToken, refreshEvent, run, runWithApi,
  selectionClaims, sign, silentEvent, use, withLaxValidation,
};
