'use strict';
/** An Action that sets claims of its own after ours. */

exports.onExecutePostLogin = async function (event, api) {
  if (!event.transaction?.login_hint?.split(' ').includes('claims-after')) return;
  api.accessToken.setCustomClaim('https://other.example/plan', 'gold');
  api.idToken.setCustomClaim('https://other.example/plan', 'gold');
};
