// @ts-check
/**
 * The example app: log in, see and change the organization of this tab, renew, switch, log out. What
 * can be copied stands in organizations.js and api.js; here are only the page's buttons and states.
 */
import { ApiError, createApi } from './api.js';
import { OrganizationMismatch, createOrganizationClient, decodeToken, readRefusal } from './organizations.js';
import { openSections } from './sections.js';
import * as views from './views.js';

const NO_NAME = 'Type the organization’s short name: letters, digits and hyphens.';
/** Errors that only a visit to the login service can mend. */
const INTERACTIVE = ['interaction_required', 'consent_required', 'mfa_required', 'account_selection_required'];
/** What this app needs of its API. */
const SCOPE =
  'read:organization write:organization read:members write:members read:audit-events ' +
  'read:projects write:projects';
/** What the API says where nothing works any more. */
const ACCESS_LOST = ['not_a_member', 'organization_suspended'];

/** @type {ReturnType<typeof createOrganizationClient>} */
let client;
/** @type {{apiUrl?: string, namespace: string}} `apiUrl`: without it the page shows the tokens alone */
let settings;
/** @type {ReturnType<typeof openSections> | null} */
let sections = null;
/** @type {() => Promise<unknown>} what the button of the state `refused` does */
let tryAgain = async () => location.reload();
/** @type {import('./organizations.js').Organization | null} */
let received = null;

connect();
explainStaleSignIn();
await open();

/** Buttons first: they are there from the start, and hidden until their state comes. */
function connect() {
  on('log-in', () => client.login({ organization: client.hint()?.organization }));
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
  // Back from the login service, the browser may show this page as it was left.
  window.addEventListener('pageshow', (event) => event.persisted && location.reload());
  // Somebody may have changed a role, or removed the person, while another tab was in front.
  document.addEventListener('visibilitychange', () => document.hidden || sections?.readMe());
}

/**
 * The application's login URI in Auth0 ends in #stale-sign-in: there it sends a browser whose login
 * is over, and says no more than that.
 */
function explainStaleSignIn() {
  if (location.hash !== '#stale-sign-in') return;
  views.element('stale-sign-in').hidden = false;
  history.replaceState(null, '', location.pathname + location.search);
}

/** Find out where this tab is, once per page. */
async function open() {
  try {
    const config = await (await fetch('/config.json')).json();
    settings = config;
    client = createOrganizationClient({ ...config, scope: SCOPE });
    Object.assign(window, { organizations: client }); // for tests and the curious
    await showSession(await client.start());
  } catch (error) {
    showError(error);
  }
}

/** @param {import('./organizations.js').Session | null} session */
async function showSession(session) {
  closeSections();
  if (session) {
    views.showLoggedIn(session, await client.getAccessToken());
    showSections(session);
  } else {
    views.showLoggedOut(client.hint()?.name ?? null, 'logged-out');
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
      renewQuietly(); // and the tokens say so, too
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

/** @param {any} error of the API, or of the token for it */
function endsSession(error) {
  if (error instanceof ApiError) return ACCESS_LOST.includes(error.code);
  const interactive = error.error === 'login_required' || INTERACTIVE.includes(error.error);
  return interactive || 'lost' in error || error instanceof OrganizationMismatch;
}

/** Ask Auth0 anew: a token that says what is so now, or a refusal with which the old one is gone. */
async function renewQuietly() {
  try {
    const token = await client.getAccessToken({ fresh: true });
    const session = await client.current();
    if (session && sections) views.showTokens(session, token);
  } catch (error) {
    console.warn(error);
  }
}

/** Show the state an error leads to. @param {any} error */
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
    console.warn(error); // the page repeats nothing that an address could have brought
    const { action } = views.showRefused(refusal ?? error.error ?? 'unknown_error');
    tryAgain = action === 'select' ? select : retry;
  }
}

/** Show the page where an organization is chosen. */
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
    views.announce('That did not work. Your token is still the old one; try again in a minute.');
  }
}

/** Silently where that works, else by way of the login service. @param {string} slug */
async function switchTo(slug) {
  views.announce('Switching…');
  try {
    const session = await client.switchSilently(slug);
    await showSession(session);
    if (session) views.announce('You have switched to ', views.isolated(session.name), '.');
  } catch (/** @type {any} */ error) {
    console.warn(error);
    const answered = error.error ?? error.name; // a network that is down has neither of these
    const unlikely = ['Error', 'TypeError', 'timeout', 'request_error'].includes(answered);
    if (!unlikely && readRefusal(error) !== 'temporarily_unavailable') {
      return await client.switchOrganization(slug);
    }
    views.announce('That did not work. You are still where you were; try again in a minute.');
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

/** Make "XYZ Travel" or "Café Zürich" what it is in addresses, most likely. @param {string} name */
function toSlug(name) {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  return plain.replaceAll(/[^a-z0-9]+/g, '-').slice(0, 63).replaceAll(/^-|-$/g, '');
}
