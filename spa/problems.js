// @ts-check
/** The text for each error of the API. The API's own `detail` is for developers. */
import { ApiError } from './api.js';

/** @type {Record<string, string>} */
const TEXTS = {
  last_owner: 'An organization needs an owner, and there is no other. Make another member an owner first.',
  already_member: 'A person with this address is a member already.',
  already_invited: 'This address is invited already. You can send that invitation again, below.',
  too_many_invitations: 'There are too many open invitations. Withdraw one, or wait until one has expired.',
  mailed_just_now: 'A mail to this address was sent a moment ago. Try again in a minute.',
  not_found: 'That no longer exists: another person removed it meanwhile. The list is up to date now.',
  insufficient_role:
    'Your role does not allow that. It may have changed meanwhile; this page now shows what you can do.',
  insufficient_scope: 'This login does not include the permission for that. Log out and log in again.',
  temporarily_unavailable: 'That did not work just now. Try again in a moment; nothing you typed is lost.',
  network_failure:
    'The server cannot be reached. Check your connection and try again; nothing you typed is lost.',
};
const WORTH_RETRYING = ['temporarily_unavailable', 'network_failure'];
/** Errors of the login library if the network or the login service does not work. */
const CONNECTION_ERRORS = ['Error', 'timeout', 'request_error', 'access_denied'];
const UNKNOWN = 'That did not work. Try again; if it happens again, tell support this code:';

/**
 * @param {any} error of a method of the API
 * @returns {{text: string, worthwhile: boolean}} `worthwhile`: whether to offer another try
 */
export function explain(error) {
  const code = codeOf(error);
  if (Object.hasOwn(TEXTS, code)) {
    return { text: TEXTS[code], worthwhile: WORTH_RETRYING.includes(code) };
  }
  return { text: `${UNKNOWN} ${code}.`, worthwhile: true };
}

/** @param {any} error of the API, or of `getAccessToken`, where only a bad connection is left */
function codeOf(error) {
  if (error instanceof ApiError) return error.code;
  return CONNECTION_ERRORS.includes(error.error ?? error.name) ? 'network_failure' : 'unexpected';
}
