'use strict';
/** An Action that asks for a second factor. */

exports.onExecutePostLogin = async function (event, api) {
  if (!event.transaction?.login_hint?.split(' ').includes('challenge-before')) return;
  api.authentication.challengeWith({ type: 'otp' });
};
