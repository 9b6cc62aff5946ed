'use strict';
/** An Action that denies the login after ours has set its claims. */

exports.onExecutePostLogin = async function (event, api) {
  if (!event.transaction?.login_hint?.split(' ').includes('deny-after')) return;
  api.access.deny('the office is closed');
};
