'use strict';
/** An Action that redirects; the other site sends the browser straight back, without parameters. */

exports.onExecutePostLogin = async function (event, api) {
  if (!event.transaction?.login_hint?.split(' ').includes('redirect-before')) return;
  api.redirect.sendUserTo(`http://${event.request.hostname}/continue`);
};

exports.onContinuePostLogin = async function () {};
