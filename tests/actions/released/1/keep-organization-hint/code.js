/**
 * Keep what the app asked for with `ext-org`, `ext-org-prompt` and `ext-invitation`.
 *
 * Auth0 replaces `event.request` whenever a login is suspended and resumed: by a redirect, a second
 * factor or a form. Without this Action, an Action that suspends the login before
 * `select-organization` makes the app's parameters disappear.
 *
 * Bind it first in the post-login flow. It has no secrets. It writes the key `org_selector_wish` to
 * the transaction's metadata, in every login with a browser, also where the app asked for nothing:
 * so `select-organization` can tell "nothing was asked" from "unknown". It never denies a login. If
 * something is unexpected it writes nothing and logs one line, and the person is asked.
 *
 * Source: https://auth0.com/docs/customize/actions/limitations
 */
'use strict';

const PAGE_PROTOCOLS = ['oidc-basic-profile', 'oidc-implicit-profile', 'oidc-hybrid-profile'];
const PARAMETER = /^[-\w.*~@+ /:]{1,255}$/; // a value that Auth0 accepts for ext-…
const WISH = 'org_selector_wish'; // in event.transaction.metadata

/**
 * @param {Event} event
 * @param {PostLoginAPI} api
 */
exports.onExecutePostLogin = async function (event, api) {
  try {
    if (!PAGE_PROTOCOLS.includes(event.transaction?.protocol)) return;
    const wish = readWish(event.request);
    if (wish !== null) api.transaction.setMetadata(WISH, JSON.stringify(wish));
    else console.log('keep-organization-hint: the request does not show what the app asked for');
  } catch (error) {
    console.log(`keep-organization-hint: nothing is kept (${error?.name})`);
  }
};

/** Return what an authorize request asks for; `null` if the request does not show it. */
function readWish({ query, body }) {
  const given = { ...body, ...query };
  const wish = {
    org: readParameter(given['ext-org']),
    prompt: readParameter(given['ext-org-prompt']),
    invitation: readParameter(given['ext-invitation']),
  };
  const nothing = Object.values(wish).every((value) => value === null);
  // A pushed or signed request (RFC 9126, RFC 9101) may hold parameters that are not shown here.
  const hidden = given.request_uri !== undefined || given.request !== undefined;
  return given.client_id === undefined || (nothing && hidden) ? null : wish;
}

/** Return a parameter as text; `null` if it is absent, empty if Auth0 would not accept it. */
function readParameter(value) {
  if (value === undefined) return null;
  return typeof value === 'string' && PARAMETER.test(value) ? value : '';
}
