// @ts-check
/**
 * The example app: log in, see the organization of this tab, renew, switch, log out. What can be
 * copied stands in organizations.js; here are only the page's buttons and states.
 */
import { OrganizationMismatch, createOrganizationClient, readRefusal } from './organizations.js';
import * as views from './views.js';

const NO_NAME = 'Type the organization’s short name: letters, digits and hyphens.';
/** Errors that only a visit to the login service can mend. */
const INTERACTIVE = ['interaction_required', 'consent_required', 'mfa_required', 'account_selection_required'];

/** @type {ReturnType<typeof createOrganizationClient>} */
let client;
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
    const settings = await (await fetch('/config.json')).json();
    client = createOrganizationClient(settings);
    Object.assign(window, { organizations: client }); // for tests and the curious
    await showSession(await client.start());
  } catch (error) {
    showError(error);
  }
}

/** @param {import('./organizations.js').Session | null} session */
async function showSession(session) {
  if (session) {
    views.showLoggedIn(session, await client.getAccessToken());
  } else {
    views.showLoggedOut(client.hint()?.name ?? null, 'logged-out');
  }
}

/** Show the state an error leads to. @param {any} error */
function showError(error) {
  const hint = client?.hint();
  const refusal = readRefusal(error);
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
