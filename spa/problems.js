// @ts-check
/** What is said of each problem with the API. The API's own words are for programmers. */
import { ApiError } from './api.js';

/** @type {Record<string, string>} */
const TEXTS = {
  last_owner: 'An organization needs an owner, and there is no other. Make somebody else one first.',
  not_found: 'That is no longer there: somebody else removed it meanwhile. You see what is there now.',
  insufficient_role:
    'Your role does not allow that. It may have been changed meanwhile; you see now what you can do.',
  insufficient_scope: 'This login does not include the permission for that. Log out and log in again.',
  temporarily_unavailable: 'That did not work just now. Try again in a moment; nothing you typed is lost.',
  network_failure:
    'The server cannot be reached. Check your connection and try again; nothing you typed is lost.',
};
const WORTH_RETRYING = ['temporarily_unavailable', 'network_failure'];
/** What the login library says of a line that is down, or of a service that is. */
const CONNECTION_ERRORS = ['Error', 'timeout', 'request_error', 'access_denied'];
const UNKNOWN = 'That did not work. Try again; if it happens once more, tell support this code:';

/**
 * @param {any} error of a method of the API
 * @returns {{text: string, worthwhile: boolean}} `worthwhile`: a button to try the same again
 */
export function explain(error) {
  const code = codeOf(error);
  if (Object.hasOwn(TEXTS, code)) {
    return { text: TEXTS[code], worthwhile: WORTH_RETRYING.includes(code) };
  }
  return { text: `${UNKNOWN} ${code}.`, worthwhile: true };
}

/** @param {any} error of the API, or of the token for it: there only a bad line is left to explain */
function codeOf(error) {
  if (error instanceof ApiError) return error.code;
  return CONNECTION_ERRORS.includes(error.error ?? error.name) ? 'network_failure' : 'unexpected';
}
