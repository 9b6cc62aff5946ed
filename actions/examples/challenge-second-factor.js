/**
 * Ask for a second factor before `select-organization` shows the picker.
 *
 * An example to adapt: bind it anywhere before `select-organization`, and set that Action's secret
 * REQUIRE_MFA to "true". Auth0 runs the MFA policy of the tenant after all Actions. Without this
 * Action the policy would ask only after the person has chosen.
 *
 * Its secret AUDIENCES is the same list as that of `select-organization`. A person without a factor
 * adds one here. In the dashboard, under Security, Multi-factor Auth, turn on the factors below and
 * "Customize MFA Factors using Actions"; `docs/second-factor.md` has the steps.
 *
 * Source: https://auth0.com/docs/secure/multi-factor-authentication/customize-mfa
 */
'use strict';

const PAGE_PROTOCOLS = ['oidc-basic-profile', 'oidc-implicit-profile', 'oidc-hybrid-profile'];
const FACTORS = [{ type: 'otp' }, { type: 'webauthn-roaming' }, { type: 'push-notification' }];

/**
 * @param {Event} event
 * @param {PostLoginAPI} api
 */
exports.onExecutePostLogin = async function (event, api) {
  const audiences = event.secrets.AUDIENCES.split(/[\s,]+/);
  if (!audiences.includes(event.resource_server?.identifier)) return;
  // A refresh and a silent login (prompt=none) have no page to ask on.
  if (!PAGE_PROTOCOLS.includes(event.transaction?.protocol)) return;
  if (event.transaction.prompt?.includes('none')) return;
  const methods = event.authentication?.methods ?? [];
  if (methods.some(({ name }) => name === 'mfa' || name === 'passkey')) return;

  const enrolled = event.user.enrolledFactors ?? [];
  if (enrolled.length > 0) api.authentication.challengeWithAny(enrolled.map(({ type }) => ({ type })));
  else api.authentication.enrollWithAny(FACTORS);
};
