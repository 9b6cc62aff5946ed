// @ts-check
/**
 * The example app: log in, see and change the organization of this tab, renew, switch, log out.
 * organizations.js and api.js can be copied; this file has only the page's buttons and states.
 */
import { ApiError, createApi } from './api.js';
import { OrganizationMismatch, createOrganizationClient, decodeToken, readRefusal } from './organizations.js';
import { openSections } from './sections.js';
import * as views from './views.js';

const NO_NAME = 'Type the organization’s short name: letters, digits and hyphens.';
/** Errors after which the person must go to the login service. */
const INTERACTIVE = ['interaction_required', 'consent_required', 'mfa_required', 'account_selection_required'];
/** What this app needs of its API. */
const SCOPE =
  'read:organization write:organization read:members write:members read:invitations ' +
  'write:invitations read:audit-events read:projects write:projects';
/** The invitation whose login was begun again by itself. */
const RESUMED = 'resumed-invitation';
/** Error codes of the API after which this organization can no longer be used. */
const ACCESS_LOST = ['not_a_member', 'organization_suspended'];

/** @type {ReturnType<typeof createOrganizationClient>} */
let client;
/** @type {{apiUrl?: string, namespace: string}} without `apiUrl` the page shows only the tokens */
let settings;
/** @type {ReturnType<typeof openSections> | null} */
let sections = null;
/** @type {() => Promise<unknown>} the action of the button in the state `refused` */
let tryAgain = async () => location.reload();
/** @type {import('./organizations.js').Organization | null} */
let received = null;

connect();
explainStaleSignIn();
await open(takeInvitation());

/** Connect the buttons. All of them exist from the start; each is hidden outside its state. */
function connect() {
  on('log-in', logIn);
  on('forget-hint', forgetHint);
  on('refused-action', () => tryAgain());
  on('choose-again', select);
  on('choose-another', select);
  on('keep-received', keepReceived);
  on('switch', select);
  on('renew', renew);
  on('log-out', () => client.logout());
  onSubmit('log-in-to', 'org-hint', (slug) => client.login({ organization: slug }));
  onSubmit('switch-form', 'switch-to', switchTo);
  for (const button of document.querySelectorAll('[data-action="switch-account"]')) {
    button.addEventListener('click', () => run(() => client.switchAccount()));
  }
  // The browser's "back" from the login service may restore this page with its old state.
  window.addEventListener('pageshow', (event) => event.persisted && location.reload());
  // While another tab was in front, the role may have changed or the membership have ended.
  document.addEventListener('visibilitychange', () => document.hidden || sections?.readMe());
}

/**
 * Explain why the browser is here. Auth0 sends a browser whose login can no longer continue to the
 * application's login URI, which ends in #stale-sign-in, without further information.
 */
function explainStaleSignIn() {
  if (location.hash !== '#stale-sign-in') return;
  views.element('stale-sign-in').hidden = false;
  history.replaceState(null, '', location.pathname + location.search);
}

/** @returns {string | null} the invitation of the mail that was followed; a reload has it no more */
function takeInvitation() {
  const address = new URL(location.href);
  const invitation = address.searchParams.get('invitation');
  address.searchParams.delete('invitation');
  if (invitation !== null) history.replaceState(null, '', address);
  return invitation;
}

/** Find out whether and in which organization this tab is logged in, once per page load.
 * @param {string | null} invitation to accept */
async function open(invitation) {
  try {
    const config = await (await fetch('/config.json')).json();
    settings = config;
    client = createOrganizationClient({ ...config, scope: SCOPE });
    Object.assign(window, { organizations: client }); // for tests, and for the browser's console
    if (invitation === null || !(await follow(invitation))) await showSession(await client.start());
  } catch (error) {
    showError(error);
  }
}

/** @param {string} invitation @returns {Promise<boolean>} whether the login for it has begun */
async function follow(invitation) {
  try {
    await client.login({ invitation: invitation.toLowerCase() });
    return true;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    views.element('broken-invitation').hidden = false;
    return false;
  }
}

/**
 * Go on with an invitation after the person logged out on the picker, to use another address. Once:
 * a person who comes back from the login form finds a button.
 * @returns {Promise<boolean>} whether the login has begun
 */
async function resumeInvitation() {
  const invitation = client.invitation();
  if (!invitation || sessionStorage.getItem(RESUMED) === invitation) return false;
  sessionStorage.setItem(RESUMED, invitation);
  return follow(invitation);
}

/** @param {import('./organizations.js').Session | null} session */
async function showSession(session) {
  closeSections();
  if (!session && (await resumeInvitation())) return;
  if (session) {
    views.showLoggedIn(session, await client.getAccessToken());
    showSections(session);
  } else {
    if (client.invitation()) views.showLoggedOut(null, 'invited');
    else views.showLoggedOut(client.hint()?.name ?? null, 'logged-out');
  }
}

/** @param {import('./organizations.js').Session} session */
function showSections(session) {
  closeSections();
  if (!settings.apiUrl) return;
  const api = createApi(settings.apiUrl, async (options) => {
    const token = await client.getAccessToken(options);
    if (decodeToken(token)[`${settings.namespace}org_id`] === session.id) return token;
    throw new OrganizationMismatch(session.name, await client.current()); // the tab has moved
  });
  sections = openSections(api, {
    shown: ({ organization, role }) => views.showOrganization(organization.name, role),
    renamed(name) {
      views.showOrganization(name);
      renewQuietly(); // so that the tokens have the new name, too
    },
    async left() {
      closeSections();
      views.showRemoved(session.name, 'left');
      await renewQuietly();
      client.forgetHint();
    },
    lose(error) {
      if (!endsSession(error)) return false;
      error.lost ??= session;
      showError(error);
      if (error instanceof ApiError) renewQuietly();
      return true;
    },
  });
}

function closeSections() {
  sections?.close();
  sections = null;
}

/** @param {any} error of the API or of `getAccessToken` @returns {boolean} whether it ends the session */
function endsSession(error) {
  if (error instanceof ApiError) return ACCESS_LOST.includes(error.code);
  const interactive = error.error === 'login_required' || INTERACTIVE.includes(error.error);
  return interactive || 'lost' in error || error instanceof OrganizationMismatch;
}

/** Renew the token, so that its claims are current; if Auth0 refuses, the old token is dropped. */
async function renewQuietly() {
  try {
    const token = await client.getAccessToken({ fresh: true });
    const session = await client.current();
    if (session && sections) views.showTokens(session, token);
  } catch (error) {
    console.warn(error);
  }
}

/** Show the state that follows from an error. @param {any} error */
function showError(error) {
  closeSections();
  const hint = client?.hint();
  const refusal = error instanceof ApiError ? error.code : readRefusal(error);
  if (error instanceof OrganizationMismatch) {
    received = error.received;
    const asked = error.asked === hint?.organization ? hint?.name : error.asked;
    views.showMismatch(asked ?? 'an organization', received);
  } else if (INTERACTIVE.includes(error.error)) {
    views.showLoggedOut(hint?.name ?? null, 'choose');
  } else if (error.error === 'login_required') {
    views.showLoggedOut(hint?.name ?? null, 'ended');
  } else if (refusal === 'not_a_member' && error.lost) {
    views.showRemoved(error.lost.name);
  } else {
    console.warn(error); // only here: an attacker's link can determine the text of an error
    const { action } = views.showRefused(refusal ?? error.error ?? 'unknown_error', refusal !== null);
    tryAgain = action === 'select' ? select : retry;
  }
}

async function logIn() {
  const invitation = client.invitation();
  await client.login(invitation ? { invitation } : { organization: client.hint()?.organization });
}

/** Go to the picker. */
async function select() {
  await client.login({ prompt: 'select' });
}

async function retry() {
  if (!client) return location.reload();
  await client.login({ organization: client.hint()?.organization });
}

async function forgetHint() {
  client.forgetHint();
  await client.login();
}

async function keepReceived() {
  if (received) await showSession(await client.accept(received));
}

async function renew() {
  views.announce('Renewing…');
  try {
    const token = await client.getAccessToken({ fresh: true });
    const session = await client.current();
    if (!session) return await showSession(null);
    views.showTokens(session, token);
    views.announce('Renewed. You are still in ', views.isolated(session.name), '.');
  } catch (/** @type {any} */ error) {
    if (INTERACTIVE.includes(error.error) || !(await client.current())) throw error;
    console.warn(error);
    views.announce('That did not work. You still have the old token; try again in a minute.');
  }
}

/** Switch silently if that works, else by a redirect to the login service. @param {string} slug */
async function switchTo(slug) {
  views.announce('Switching…');
  try {
    const session = await client.switchSilently(slug);
    await showSession(session);
    if (session) views.announce('You have switched to ', views.isolated(session.name), '.');
  } catch (/** @type {any} */ error) {
    console.warn(error);
    const answered = error.error ?? error.name; // without an answer, the error's name
    const unlikely = ['Error', 'TypeError', 'timeout', 'request_error'].includes(answered);
    if (!unlikely && readRefusal(error) !== 'temporarily_unavailable') {
      return await client.switchOrganization(slug);
    }
    views.announce('That did not work. You are still in the same organization; try again in a minute.');
  }
}

/** @param {string} id @param {() => unknown} work */
function on(id, work) {
  views.element(id).addEventListener('click', () => run(work));
}

/** @param {string} id @param {string} field @param {(slug: string) => unknown} work */
function onSubmit(id, field, work) {
  views.element(id).addEventListener('submit', (event) => {
    event.preventDefault();
    const slug = toSlug(/** @type {HTMLInputElement} */ (views.element(field)).value);
    views.showFieldError(field, slug ? '' : NO_NAME);
    if (slug) run(() => work(slug));
  });
}

/** @param {() => unknown} work */
async function run(work) {
  try {
    await work();
  } catch (error) {
    showError(error);
  }
}

/** Make the most likely slug of a name: "cafe-zurich" of "Café Zürich". @param {string} name */
function toSlug(name) {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  return plain.replaceAll(/[^a-z0-9]+/g, '-').slice(0, 63).replaceAll(/^-|-$/g, '');
}
