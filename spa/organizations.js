// @ts-check
/**
 * Auth0 for people who belong to several organizations: each browser tab works in exactly one.
 *
 * A thin layer over one Auth0Client, made to be copied. Every token request of a tab names the tab's
 * organization (`ext-org`), and this class never returns a token of another one. Both only prevent
 * mistakes: the selector decides who may enter which organization, and an API trusts only the access
 * token that it verified. Tokens stay in memory; only the organization is stored, in this tab's
 * `sessionStorage`. Organizations are named by slug or id.
 */
import { Auth0Client, GenericError } from './auth0-spa-js.js'; // bundlers: '@auth0/auth0-spa-js'

/** Ids match, too. Checked here because Auth0 drops an invalid `ext-` parameter without an error. */
const INVITATION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SLUG_OR_ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Refusals that will pass; the tab keeps its organization and token. */
const TRANSIENT = ['selection_failed', 'temporarily_unavailable'];

/** The codes with which the Action refuses a login or a renewal. */
export const REFUSALS = Object.freeze([
  'organization_required', 'not_a_member', 'no_organization', 'organization_suspended',
  'organizations_conflict', 'second_factor_required', ...TRANSIENT,
]);

/**
 * @typedef {{id: string, slug: string, name: string, role: string}} Organization
 * @typedef {{sub: string, name?: string, email?: string}} User
 * @typedef {Organization & {user: User, idToken: string}} Session
 * @typedef {{organization: string, name: string}} Hint
 * @typedef {{domain: string, clientId: string, audience: string, namespace: string,
 *   redirectUri?: string, scope?: string, workerUrl?: string}} Settings `namespace`: the prefix of
 *   the claims, ending in /; `scope`: what the app needs of its API
 */

/** The tab asked for a token of `asked` and got one of `received`. */
export class OrganizationMismatch extends Error {
  /** @param {string | undefined} asked @param {Organization | null} received */
  constructor(asked, received) {
    super('The token is for another organization than the one that was asked for.');
    this.name = 'OrganizationMismatch';
    this.asked = asked;
    this.received = received;
  }
}

/**
 * Read why a login or a renewal was refused: one of REFUSALS, or the text of a refusal that is not ours,
 * such as another Action's. An attacker's link can bring such a text: show it as text or not at all.
 * @param {any} error of any method here @returns {string | null} `null` if it is not a refusal
 */
export function readRefusal(error) {
  return error?.error === 'access_denied' ? String(error.error_description ?? 'access_denied') : null;
}

/** @param {string} token @returns {Record<string, any>} its claims, unverified: do not trust them */
export function decodeToken(token) {
  const base64 = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** @param {Settings} settings @returns {OrganizationClient} one for the page; make no Auth0Client */
export function createOrganizationClient(settings) {
  return new OrganizationClient(settings);
}

class OrganizationClient {
  #auth0;
  #namespace;
  #storageKey;
  #queue = Promise.resolve();

  /** @param {Settings} settings */
  constructor({ domain, clientId, audience, namespace, redirectUri, scope = '', workerUrl }) {
    this.#namespace = namespace;
    this.#storageKey = `organizations.${clientId}`;
    this.#auth0 = new Auth0Client({
      domain,
      clientId,
      workerUrl,
      cacheLocation: 'memory',
      useRefreshTokens: true,
      // The library has no refresh token after a reload, and drops it if a refresh is refused.
      // Then it logs in silently in a hidden frame (prompt=none), with the same `ext-org`.
      useRefreshTokensFallback: true,
      authorizeTimeoutInSeconds: 20, // as long as Auth0 lets Actions run
      authorizationParams: {
        audience,
        redirect_uri: redirectUri ?? location.origin,
        scope: `openid profile email offline_access ${scope}`.trim(),
      },
    });
  }

  /**
   * Finish a login if this URL is its callback, else renew the token for this tab's organization.
   * Throws an OrganizationMismatch or the library's error: see `readRefusal` and `getAccessToken`.
   * @returns {Promise<Session | null>} `null` if the person is not logged in
   */
  async start() {
    const parameters = new URLSearchParams(location.search);
    if (parameters.has('state') && (parameters.has('code') || parameters.has('error'))) {
      const callback = location.href;
      // First, so that a reload or a bookmark cannot send the code a second time.
      history.replaceState(null, '', location.pathname);
      const login = await this.#finishLogin(callback);
      if (login) {
        await this.#serialize(() => this.#requestToken(login.organization, 'on'));
        return this.current();
      }
    }
    try {
      await this.getAccessToken();
    } catch (/** @type {any} */ error) {
      if (error.error === 'login_required') return null;
      throw error;
    }
    return this.current();
  }

  /**
   * Go to Auth0; afterwards `start` finishes the login. No password is needed if Auth0 has a session.
   * `prompt: 'select'` shows the picker; `invitation` is the id in the link of a mail, and the picker
   * offers to accept it; `returnTo` is a URL of this app; `email` fills the login form.
   * @param {{organization?: string, prompt?: 'select', invitation?: string, returnTo?: string,
   *   email?: string}} [wish]
   */
  async login({ organization, prompt, invitation, returnTo = location.href, email } = {}) {
    if (invitation !== undefined && !INVITATION_ID.test(invitation)) {
      throw new TypeError('An invitation is named by its id.');
    }
    this.#want(organization, invitation);
    await this.#auth0.loginWithRedirect({
      appState: { organization, returnTo },
      authorizationParams: {
        'ext-org': organization,
        'ext-org-prompt': prompt,
        'ext-invitation': invitation,
        login_hint: email,
      },
    });
  }

  /**
   * Move this tab to another organization by a redirect to Auth0. The page is loaded again, so that
   * no data of the old organization stays in memory.
   * @param {string} organization
   */
  async switchOrganization(organization) {
    await this.login({ organization });
  }

  /**
   * Move this tab to another organization without leaving the page. Your app must then drop the data
   * of the old one. If this throws, the tab stays in the old organization.
   * @param {string} organization
   */
  async switchSilently(organization) {
    requireSlugOrId(organization);
    // The library caches tokens by audience and scope, so only 'off' requests another organization.
    await this.#serialize(() => this.#requestToken(organization, 'off'));
    return this.current();
  }

  /**
   * Return a token for this tab's organization, renewed if needed or `fresh`. After a refusal that
   * will not pass by itself, the error has the organization in `lost`, and the old token is dropped.
   * @param {{fresh?: boolean}} [options]
   */
  getAccessToken({ fresh = false } = {}) {
    return this.#serialize(async () => {
      const { current, wanted } = this.#stored();
      const asked = current?.id ?? wanted;
      try {
        return await this.#requestToken(asked, fresh ? 'off' : 'on').catch((error) => {
          // A failed switch left another organization's token in the cache: try without the cache.
          if (error instanceof OrganizationMismatch && !fresh) return this.#requestToken(asked, 'off');
          throw error;
        });
      } catch (/** @type {any} */ error) {
        const refusal = readRefusal(error);
        if (!refusal || TRANSIENT.includes(refusal)) throw error;
        await this.#auth0.logout({ openUrl: false }); // only empties the cache
        throw Object.assign(error, { lost: current });
      }
    });
  }

  /** @returns {Promise<Session | null>} organization and user of this tab, from the ID token */
  async current() {
    const claims = await this.#auth0.getIdTokenClaims();
    const organization = this.#readOrganization(claims);
    if (!claims || !organization || organization.id !== this.#stored().current?.id) return null;
    const { sub, name, email, __raw: idToken } = claims;
    return { ...organization, user: { sub, name, email }, idToken };
  }

  /** Accept the organization of an OrganizationMismatch; ask first. @param {Organization} received */
  accept({ id, name }) {
    this.#store({ current: { id, name } });
    return this.current();
  }

  /**
   * Return the organization for the next login. It survives a logout that did not begin in this app,
   * such as "Not you?" on the picker.
   * @returns {Hint | null}
   */
  hint() {
    const { current, wanted } = this.#stored();
    if (wanted) return { organization: wanted, name: wanted };
    return current ? { organization: current.id, name: current.name } : null;
  }

  /**
   * Return the invitation of the last login, if that login did not end in an organization: the person
   * may have logged out on the picker, to accept it with another address.
   * @returns {string | null}
   */
  invitation() {
    return this.#stored().invitation ?? null;
  }

  /** Let the next login name no organization. */
  forgetHint() {
    sessionStorage.removeItem(this.#storageKey);
  }

  /** Log out of this app and of Auth0. */
  async logout() {
    this.forgetHint();
    await this.#auth0.logout({ logoutParams: { returnTo: location.origin } });
  }

  /** Log out and keep the hint, so that another person can log in to it. @param {string} [hint] */
  async switchAccount(hint = this.hint()?.organization) {
    this.#want(hint, this.#stored().invitation);
    await this.#auth0.logout({ logoutParams: { returnTo: location.origin } });
  }

  /** @param {string} callback @returns {Promise<{organization?: string} | null>} what `login` asked for */
  async #finishLogin(callback) {
    try {
      const { appState } = await this.#auth0.handleRedirectCallback(callback);
      restoreAddress(appState?.returnTo);
      return { organization: appState?.organization };
    } catch (/** @type {any} */ error) {
      // This tab did not begin this login: the URL is old, or an attacker made it.
      if (['missing_transaction', 'state_mismatch'].includes(error.error)) return null;
      restoreAddress(error.appState?.returnTo);
      throw error;
    }
  }

  /**
   * Get a token of this organization; the tab moves there when it has arrived. Call it serialized: if
   * two calls at the same time differ only in `ext-org`, the library gives both the same token.
   * @param {string | undefined} asked @param {'on' | 'off'} cacheMode
   */
  async #requestToken(asked, cacheMode) {
    const authorizationParams = { 'ext-org': asked };
    const token = await this.#auth0.getTokenSilently({ cacheMode, authorizationParams });
    if (!token) throw new GenericError('login_required', 'The session has ended.');
    const organization = this.#readOrganization(await this.#auth0.getIdTokenClaims());
    // The API trusts the access token, but only the ID token has the slug: both must agree.
    const named = decodeToken(token)[`${this.#namespace}org_id`];
    if (!organization || organization.id !== named) throw new OrganizationMismatch(asked, null);
    const { id, slug, name } = organization;
    if (asked && asked !== id && asked !== slug) throw new OrganizationMismatch(asked, organization);
    this.#store({ current: { id, name } });
    return token;
  }

  /** @param {Record<string, any> | undefined} claims @returns {Organization | null} */
  #readOrganization(claims = {}) {
    const [id, slug, name, role] = ['id', 'slug', 'name', 'role'].map(
      (part) => claims[`${this.#namespace}org_${part}`],
    );
    return typeof id === 'string' ? { id, slug, name, role } : null;
  }

  /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  #serialize(work) {
    const result = this.#queue.then(work);
    this.#queue = result.then(() => undefined, () => undefined);
    return result;
  }

  /**
   * Store what the next login is for; the tab does not move yet.
   * @param {string} [wanted] an organization @param {string} [invitation]
   */
  #want(wanted, invitation) {
    if (wanted !== undefined) requireSlugOrId(wanted);
    this.#store({ ...this.#stored(), wanted, invitation });
  }

  /** @returns {{current?: {id: string, name: string}, wanted?: string, invitation?: string}} */
  #stored() {
    return JSON.parse(sessionStorage.getItem(this.#storageKey) ?? '{}');
  }

  /** @param {{current?: {id: string, name: string}, wanted?: string, invitation?: string}} tab */
  #store(tab) {
    sessionStorage.setItem(this.#storageKey, JSON.stringify(tab));
  }
}

/** @param {string} text */
function requireSlugOrId(text) {
  if (!SLUG_OR_ID.test(text)) throw new TypeError('An organization is named by its slug or its id.');
}

/** @param {string} [address] */
function restoreAddress(address = location.href) {
  const url = new URL(address, location.href);
  if (url.origin === location.origin) history.replaceState(null, '', url);
}
