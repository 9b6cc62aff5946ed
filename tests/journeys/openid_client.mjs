/**
 * A login by openid-client, which knows nothing of our product: what it accepts, others will.
 *
 * One JSON object a line. In: `{step, value, expect?}`; the steps stand below, and between `login`
 * and `finish` somebody else takes the browser's part. `expect` replaces what `finish` compares with.
 * Out: `{ok}` or `{refused, why}`.
 */
import { createInterface } from 'node:readline';
import * as openid from 'openid-client';

const [issuer, clientId, redirectUri, audience] = process.argv.slice(2);
// Its documented way to a server without TLS, for this machine only; so it checks every signature.
const options = { execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks] };
const config = await openid.discovery(new URL(issuer), clientId, undefined, openid.None(), options);
let expected = {};

const shown = (tokens) => ({ ...tokens, claims: tokens.claims() });

const steps = {
  async login(parameters) {
    expected = {
      state: openid.randomState(),
      nonce: openid.randomNonce(),
      verifier: openid.randomPKCECodeVerifier(),
    };
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid profile email offline_access',
      audience,
      state: expected.state,
      nonce: expected.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(expected.verifier),
      code_challenge_method: 'S256',
      ...parameters,
    });
    return url.href;
  },

  async finish(callback, changes) {
    const { state, nonce, verifier } = { ...expected, ...changes };
    const tokens = await openid.authorizationCodeGrant(config, new URL(callback), {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    });
    return shown(tokens);
  },

  async refresh({ refresh_token: token, ...parameters }) {
    return shown(await openid.refreshTokenGrant(config, token, parameters));
  },

  async userinfo({ access_token: token, subject }) {
    return openid.fetchUserInfo(config, token, subject);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { step, value, expect } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ ok: await steps[step](value, expect) }));
  } catch (error) {
    const code = error.error ?? error.code ?? error.name; // the server's, else the library's own
    console.log(JSON.stringify({ refused: code, why: error.error_description ?? error.message }));
  }
}
