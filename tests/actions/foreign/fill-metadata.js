'use strict';
/** An Action that leaves no room in the transaction's metadata: 16 KB in all, 8 KB for each key. */

exports.onExecutePostLogin = async function (event, api) {
  if (!event.transaction?.login_hint?.split(' ').includes('fill-metadata')) return;
  api.transaction.setMetadata('one', 'x'.repeat(8192));
  api.transaction.setMetadata('two', 'x'.repeat(8100));
};
