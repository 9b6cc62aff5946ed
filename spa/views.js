// @ts-check
/**
 * What the page shows in each state. All values are set as text, never as markup. `<bdi>` in
 * index.html isolates names, so that a right-to-left name does not reorder the text around it.
 */
import { decodeToken } from './organizations.js';

/** @typedef {import('./organizations.js').Session} Session */
/** @typedef {import('./organizations.js').Organization} Organization */

/**
 * The text for a refusal, and the action of its button (`tryAgain` in app.js).
 * @typedef {{heading: string, cause: string, advice: string, button: string, action: 'select' | 'retry'}} Explanation
 */

/** @type {Record<string, Explanation>} */
const EXPLANATIONS = {
  organization_required: {
    heading: 'Which organization?',
    cause: 'This app needs one organization, and this login named none.',
    advice: 'Choose the one you want to work in.',
    button: 'Choose an organization',
    action: 'select',
  },
  not_a_member: {
    heading: 'You are not in this organization',
    cause: 'There is no organization with this name, or you are not a member of it.',
    advice: 'Choose one of your organizations, or ask the organization’s administrators to invite you.',
    button: 'Choose another organization',
    action: 'select',
  },
  no_organization: {
    heading: 'You are in no organization yet',
    cause: 'You are logged in, but you are not a member of an organization.',
    advice: 'Ask its administrators to invite the e-mail address you log in with, then try again.',
    button: 'Try again',
    action: 'retry',
  },
  organization_suspended: {
    heading: 'This organization is suspended',
    cause: 'It cannot be used at present. Its data is still there.',
    advice: 'Ask the organization’s administrators, or choose another organization.',
    button: 'Choose another organization',
    action: 'select',
  },
  organizations_conflict: {
    heading: 'This login cannot be used here',
    cause: 'The app started a login through another kind of organization, which this service does not know.',
    advice: 'Tell the people who run the app the code below. Another try will not help.',
    button: 'Log in again',
    action: 'retry',
  },
  second_factor_required: {
    heading: 'A second factor is needed',
    cause: 'Choosing an organization needs a second factor, such as a code from your phone. This login did not ask for one.',
    advice: 'Log in again. If you are not asked for it, tell the people who run the app the code below.',
    button: 'Log in again',
    action: 'retry',
  },
  selection_failed: {
    heading: 'Your choice did not arrive',
    cause: 'The page where you chose was open for too long, or was used twice or in two windows.',
    advice: 'Log in again and choose again. You probably do not need your password.',
    button: 'Log in again',
    action: 'retry',
  },
  temporarily_unavailable: {
    heading: 'We cannot log you in right now',
    cause: 'We could not find out which organizations you belong to. You did nothing wrong.',
    advice: 'Wait a minute, then try again.',
    button: 'Try again',
    action: 'retry',
  },
};

/** @type {Explanation} a refusal with a code that this app does not know */
const REFUSED = {
  heading: 'The login was refused',
  cause: 'The login service gave a reason that this app does not know.',
  advice: 'Tell support the code below. You can also log in again.',
  button: 'Log in again',
  action: 'retry',
};

/** @type {Explanation} */
const UNKNOWN = {
  heading: 'The login did not work',
  cause: 'The login service or your connection to it had a problem.',
  advice: 'Check your connection and try again. If it happens again, tell support the code below.',
  button: 'Try again',
  action: 'retry',
};

/** @param {string} id @returns {HTMLElement} */
export function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} id @param {string} text */
function write(id, text) {
  element(id).textContent = text;
}

/**
 * Show the section of a state and focus its heading, so that a screen reader says it.
 * @param {string} state
 */
function show(state) {
  const main = /** @type {HTMLElement} */ (document.querySelector('main'));
  for (const section of /** @type {NodeListOf<HTMLElement>} */ (main.querySelectorAll('[data-view]'))) {
    section.hidden = section.dataset.view !== state;
  }
  const heading = /** @type {HTMLElement} */ (main.querySelector(`[data-view="${state}"] h1`));
  if (state !== 'logged-in') forgetOrganization();
  nameTab(heading);
  heading.focus();
  main.dataset.state = state; // last, because tests wait for it
}

/** @param {HTMLElement} heading */
function nameTab(heading) {
  // A title cannot contain <bdi>; these two characters isolate a name there.
  const words = [...heading.childNodes].map(({ nodeName, textContent }) =>
    nodeName === 'BDI' ? `\u2068${textContent}\u2069` : textContent,
  );
  document.title = `${words.join('')} · Example app`;
}

/** Remove all data of the organization from the page, which has left it. */
function forgetOrganization() {
  for (const id of ['organization-name', 'organization-role', 'organization-slug', 'access-token', 'id-token']) {
    write(id, '');
  }
  announce('');
}

/**
 * @param {string | null} hint the name of the organization that this tab would log in to
 * @param {'logged-out' | 'ended' | 'choose' | 'invited'} why
 */
export function showLoggedOut(hint, why) {
  const texts = {
    'logged-out': ['You are logged out', 'Log in to see which organization you work in.', 'Log in'],
    ended: ['Your session has ended', 'Log in again to go on.', 'Log in'],
    invited: ['You are invited', 'Log in with the address that was invited to see the invitation.', 'Log in'],
    choose: ['Which organization?', 'You are logged in, but this tab is in no organization yet.', 'Choose an organization'],
  };
  const [heading, text, button] = texts[why];
  write('logged-out-heading', heading);
  write('logged-out-text', hint ? 'This tab keeps the organization you wanted.' : text);
  element('log-in').replaceChildren(...(hint ? ['Log in to ', isolated(hint)] : [button]));
  element('kept-hint').hidden = !hint;
  write('org-hint-error', '');
  show('logged-out');
}

/**
 * @param {string} code one of REFUSALS, or that of another refusal or error
 * @param {boolean} [refused] whether it is a refusal
 * @returns {Explanation}
 */
export function showRefused(code, refused = false) {
  const other = refused ? REFUSED : UNKNOWN;
  const explanation = Object.hasOwn(EXPLANATIONS, code) ? EXPLANATIONS[code] : other;
  write('refused-heading', explanation.heading);
  write('refused-cause', explanation.cause);
  write('refused-advice', explanation.advice);
  write('refused-action', explanation.button);
  // An attacker's link can bring any text as an error; only plain codes are shown.
  write('refused-code', /^[a-z_]{1,40}$/.test(code) ? code : 'unknown_error');
  show('refused');
  return explanation;
}

/** @param {string} asked @param {Organization | null} received */
export function showMismatch(asked, received) {
  write('mismatch-asked', asked);
  write('mismatch-received', received?.name ?? 'none');
  write('keep-received-name', received?.name ?? '');
  element('keep-received-line').hidden = !received;
  show('mismatch');
}

/** @param {string} name the organization that this tab was in @param {'removed' | 'left'} [how] */
export function showRemoved(name, how = 'removed') {
  write('removed-name', name);
  element('removed-by-others').hidden = how === 'left';
  show('removed');
}

/** @param {Session} session @param {string} accessToken */
export function showLoggedIn(session, accessToken) {
  write('organization-name', session.name);
  write('organization-role', session.role);
  write('organization-slug', session.slug);
  write('user-name', session.user.name ?? session.user.sub);
  write('user-email', session.user.email ?? '–');
  showTokens(session, accessToken);
  announce('');
  show('logged-in');
}

/** Show what the database says, newer than the token. @param {string} name @param {string} [role] */
export function showOrganization(name, role) {
  write('organization-name', name);
  if (role) write('organization-role', role);
  nameTab(/** @type {HTMLElement} */ (element('organization-name').parentElement));
}

/** @param {Session} session @param {string} accessToken */
export function showTokens(session, accessToken) {
  const claims = decodeToken(accessToken);
  write('access-token', JSON.stringify(claims, null, 2));
  write('id-token', JSON.stringify(decodeToken(session.idToken), null, 2));
  writeTime('issued-at', claims.iat);
  writeTime('expires-at', claims.exp);
}

/** Show the result of a button; screen readers say it, too. @param {...(string | Node)} parts */
export function announce(...parts) {
  element('result').replaceChildren(...parts);
}

/** @param {string} field @param {string} message empty if the field is correct */
export function showFieldError(field, message) {
  const input = element(field);
  write(`${field}-error`, message);
  input.setAttribute('aria-invalid', String(message !== ''));
  if (message) input.focus();
}

/** @param {string} name */
export function isolated(name) {
  const bdi = document.createElement('bdi');
  bdi.textContent = name;
  return bdi;
}

/** @param {string} id @param {number} seconds since 1970 */
function writeTime(id, seconds) {
  const time = new Date(seconds * 1000);
  const node = /** @type {HTMLTimeElement} */ (element(id));
  node.dateTime = time.toISOString();
  node.textContent = time.toLocaleTimeString(document.documentElement.lang);
}
