'use strict';
/**
 * The `api` object that an Action of the post-login trigger gets, and the record of its calls.
 *
 * Nothing takes effect here: every call is recorded in `effects`, which the tenant applies after the Action has ended.
 * Both the tenant (through run_action.js) and unit tests under `node --test` use these objects.
 * A member that Auth0 has and this file does not throws an error with its name, so that no test passes because a call
 * was ignored.
 * Sources: Auth0's pages "Redirect with Actions", "Actions: limitations", "Create custom claims",
 * "Session metadata" and the reference of the post-login API object.
 */
const { encodeToken, validateToken } = require('./redirect_token.js');

/** Claims that Auth0 drops without an error (page "Create custom claims"). */
const RESTRICTED_CLAIMS = new Set(
  ('acr act active amr at_hash ath attest aud auth_time authorization_details azp c_hash client_id cnf cty dest ' +
    'entitlements events exp groups gty htm htu iat internalService iss jcard jku jti jwe jwk kid may_act mky nbf ' +
    'nonce object_id org_id org_name orig origid permissions roles rph s_hash sid sip_callid sip_cseq_num sip_date ' +
    'sip_from_tag sip_via_branch sub sub_jwk toe txn typ uuid vot vtm x5t#S256').split(' '),
);
const FORBIDDEN_NAMESPACE_HOSTS = ['auth0.com', 'webtask.io', 'webtask.run'];
const FACTORS = ['otp', 'email', 'push-notification', 'phone', 'webauthn-platform', 'webauthn-roaming', 'recovery-code'];
const PROTOCOLS_WITHOUT_BROWSER = ['oauth2-resource-owner', 'oauth2-refresh-token', 'oauth2-password', 'oauth2-webauthn'];

function isDroppedClaim(name) {
  if (RESTRICTED_CLAIMS.has(name) || /^urn:auth0(:|$)/i.test(name)) return true;
  if (!URL.canParse(name)) return false;
  const host = new URL(name).hostname;
  return FORBIDDEN_NAMESPACE_HOSTS.some((forbidden) => host === forbidden || host.endsWith(`.${forbidden}`));
}

function setClaim(claims, name, value) {
  if (name === 'scope') throw new Error('The "scope" claim cannot be set.');
  if (!isDroppedClaim(name)) claims[name] = value;
}

function requireScope(scope) {
  if (typeof scope !== 'string' || !/^\S{1,280}$/.test(scope)) {
    throw new Error('A scope is a string of 1 to 280 characters without white space.');
  }
}

/** Set or (with null) delete transaction metadata, within Auth0's limits (page "Actions: limitations"). */
function setTransactionMetadata(metadata, key, value) {
  if (typeof key !== 'string' || key.length < 1 || key.length > 64) {
    throw new Error('A key of transaction metadata is a string of 1 to 64 characters.');
  }
  if (value === null) {
    delete metadata[key];
    return;
  }
  const fits = typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);
  if (!fits) throw new Error('A value of transaction metadata is a string, a boolean or a safe integer.');
  if (Buffer.byteLength(String(value)) > 8192) throw new Error('A value of transaction metadata is at most 8 KB.');
  const after = { ...metadata, [key]: value };
  if (Buffer.byteLength(JSON.stringify(after)) > 16384) throw new Error('Transaction metadata is at most 16 KB in all.');
  metadata[key] = value;
}

/**
 * `setMetadata`, `deleteMetadata` and `evictMetadata` of a session or a refresh token.
 * They record the operations, not the result: at a login the refresh token exists only after the Action has ended.
 */
function metadataMembers({ noun, current, operations, mayWrite }) {
  const entries = new Map(Object.entries(current ?? {}));
  const note = (operation) => {
    if (mayWrite(`Failed to set ${noun} metadata: `)) operations.push(operation);
  };
  return {
    setMetadata(key, value) {
      const failed = `Failed to set ${noun} metadata: Invalid metadata: `;
      if (typeof value !== 'string') throw new Error(`${failed}Metadata value must be a string`);
      if (value.length > 255) throw new Error(`${failed}All metadata values must be at most 255 characters long`);
      if (String(key).length > 255) throw new Error(`${failed}All metadata keys must be at most 255 characters long`);
      if (!/^[A-Za-z0-9_-]+$/.test(key)) {
        throw new Error(`${failed}Metadata keys may only include letters, numbers, underscores, or hyphens`);
      }
      if (!entries.has(key) && entries.size >= 25) throw new Error(`${failed}Metadata must not contain more than 25 entries`);
      entries.set(key, value);
      note(['set', key, value]);
    },
    deleteMetadata(key) {
      entries.delete(key);
      note(['delete', key]);
    },
    evictMetadata() {
      entries.clear();
      note(['evict']);
    },
  };
}

function redirectMembers(api, event, effects, assumptions) {
  return {
    encodeToken: (options) => encodeToken(event, options),
    validateToken: (options) => validateToken(event, assumptions, options),
    sendUserTo(url, options) {
      const target = new URL(url);
      for (const [name, value] of Object.entries(options?.query ?? {})) target.searchParams.set(name, value);
      effects.redirect = target.href;
      return api();
    },
    canRedirect: () =>
      event.request.query?.prompt !== 'none' && !PROTOCOLS_WITHOUT_BROWSER.includes(event.transaction?.protocol),
  };
}

/** Return `members` with every missing member as a function that throws an error with its name. */
function strictly(path, members) {
  return new Proxy(members, {
    get(target, name) {
      if (typeof name === 'symbol' || name === 'then' || name === 'toJSON' || Object.hasOwn(target, name)) return target[name];
      const missing = () => {
        throw new Error(`${path}.${name} is not available in the local tenant`);
      };
      return path === 'api' ? new Proxy(missing, { get: (_, member) => strictly(`${path}.${name}`, {})[member] }) : missing;
    },
  });
}

function newEffects(event) {
  return {
    deny: null,
    redirect: null,
    access_token_claims: Object.create(null),
    id_token_claims: Object.create(null),
    add_scopes: [],
    remove_scopes: [],
    app_metadata: Object.create(null),
    user_metadata: Object.create(null),
    transaction_metadata: { ...event.transaction?.metadata },
    refresh_token_metadata: [],
    session_metadata: [],
    methods: [],
    factors: [],
    revoke_refresh_token: false,
    revoke_session: false,
  };
}

/**
 * `challengeWith` and so on: the Action runs to its end, then the tenant asks for each of these, one after the other.
 * Sources: Auth0's pages "Customize MFA selection for Universal Login" and "Customize MFA enrollments".
 */
function factorMembers(effects) {
  const note = (what, factors) => {
    for (const factor of factors) {
      if (!FACTORS.includes(factor?.type)) throw new Error('The type of a factor is one of those that Auth0 documents.');
    }
    effects.factors.push({ what, types: factors.map(({ type }) => type) });
  };
  const withOthers = (what) => (factor, options) => note(what, [factor, ...(options?.additionalFactors ?? [])]);
  return {
    challengeWith: withOthers('challenge'),
    challengeWithAny: (factors) => note('challenge', factors),
    enrollWith: withOthers('enroll'),
    enrollWithAny: (factors) => note('enroll', factors),
  };
}

/** `api.session` and `api.refreshToken`: metadata, if the tenant's plan has it, and `revoke`, which also denies. */
function lastingMembers(event, effects, assumptions, plan) {
  const byPlan = (allowed) => (failed) => {
    if (!allowed && assumptions.metadata_write_without_plan === 'throws') throw new Error(`${failed}not part of the plan`);
    return allowed;
  };
  const deny = (reason, mark) => {
    effects.deny = String(reason);
    effects[mark] = true;
  };
  const ofSession = metadataMembers({
    noun: 'session', current: event.session?.metadata, operations: effects.session_metadata,
    mayWrite(failed) {
      if (!event.session?.id) throw new Error(`${failed}Cannot set metadata on a session that does not exist.`);
      return byPlan(plan.session_metadata)(failed);
    },
  });
  const ofRefreshToken = metadataMembers({
    noun: 'refresh token', current: event.refresh_token?.metadata, operations: effects.refresh_token_metadata,
    mayWrite: byPlan(plan.refresh_token_metadata),
  });
  return {
    session: strictly('api.session', { ...ofSession, revoke: (reason) => deny(reason, 'revoke_session') }),
    refreshToken: strictly('api.refreshToken', { ...ofRefreshToken, revoke: (reason) => deny(reason, 'revoke_refresh_token') }),
  };
}

/** Make the `api` of one execution and the `effects` it fills. */
function createApi({ event, handler, assumptions, plan }) {
  const effects = newEffects(event);
  const chain = (work) => (...given) => {
    work(...given);
    return api;
  };
  const own = () => api;
  const members = {
    access: strictly('api.access', { deny: chain((reason) => { effects.deny = String(reason); }) }),
    accessToken: strictly('api.accessToken', {
      setCustomClaim: chain((name, value) => setClaim(effects.access_token_claims, name, value)),
      addScope(scope) { requireScope(scope); effects.add_scopes.push(scope); },
      removeScope(scope) { requireScope(scope); effects.remove_scopes.push(scope); },
    }),
    idToken: strictly('api.idToken', { setCustomClaim: chain((name, value) => setClaim(effects.id_token_claims, name, value)) }),
    redirect: strictly('api.redirect', redirectMembers(own, event, effects, assumptions)),
    transaction: strictly('api.transaction', {
      setMetadata(key, value) {
        setTransactionMetadata(effects.transaction_metadata, key, value);
        // Visible at once in the same Action (page "Actions: transaction metadata").
        if (event.transaction) event.transaction.metadata = { ...effects.transaction_metadata };
      },
    }),
    user: strictly('api.user', {
      setAppMetadata: chain((key, value) => { effects.app_metadata[key] = value ?? null; }),
      setUserMetadata: chain((key, value) => { effects.user_metadata[key] = value ?? null; }),
    }),
    authentication: strictly('api.authentication', {
      ...factorMembers(effects),
      recordMethod: chain((url) => {
        if (handler !== 'onContinuePostLogin') throw new Error('recordMethod belongs into onContinuePostLogin.');
        effects.methods.push(new URL(url).href);
      }),
    }),
    ...lastingMembers(event, effects, assumptions, plan),
  };
  const api = strictly('api', members);
  return { api, effects };
}

module.exports = { createApi };
