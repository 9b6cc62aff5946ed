'use strict';
/**
 * Runs the handlers of Auth0 Actions: as a child of the local tenant (JSON lines on stdin and stdout), or,
 * by `require('./run_action.js')`, in the process of a `node --test` unit test.
 *
 * The Action is read as Auth0 reads it: CommonJS, its top level once per instance, module state shared by all
 * runs, a failure of the top level repeated for ever. A saved change of the file makes a new instance, as a
 * deployment would. The time limit is the parent's business: a loop here would stop any timer of ours too.
 *
 * A line in: {id, file, name, handler, event, assumptions, plan} or {id, ping: true}.
 * A line out: {id, effects, error, console, milliseconds} or {id, pong: true}.
 */
const { AsyncLocalStorage } = require('node:async_hooks');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const readline = require('node:readline');
const { format } = require('node:util');
const vm = require('node:vm');
const { createApi } = require('./post_login_api.js');

/** Those rows of assumptions.py that the Action can notice; a test keeps both files equal. */
const DEFAULT_ASSUMPTIONS = Object.freeze({
  body_state_overrides: true,
  metadata_write_without_plan: 'ignored',
  return_token_iss_enforced: true,
  return_token_minimum_seconds: 0,
});
const DEFAULT_PLAN = Object.freeze({ refresh_token_metadata: false, session_metadata: false });
const CONSOLE_LIMIT = 256; // characters per execution that Auth0 keeps

const running = new AsyncLocalStorage();
const write = (...given) => {
  const store = running.getStore();
  if (store) store.text = `${store.text}${format(...given)}\n`.slice(0, CONSOLE_LIMIT);
};
const actionConsole = { ...console, log: write, info: write, warn: write, error: write, debug: write };

/** One instance of an Action: its exports, or the error its top level threw, which it then throws every time. */
function loadAction(file, code = fs.readFileSync(file, 'utf8')) {
  const absolute = path.resolve(file);
  const module = { exports: {} };
  try {
    const body = vm.compileFunction(code, ['exports', 'require', 'module', 'console'], { filename: absolute });
    body.call(module.exports, module.exports, createRequire(absolute), module, actionConsole);
    if (module.exports === null || typeof module.exports !== 'object') throw new Error('The Action must export an object.');
    return { code, exports: module.exports };
  } catch (failure) {
    return { code, failure };
  }
}

const instances = new Map();

function findInstance(file, name) {
  const key = JSON.stringify([file, name]);
  const code = fs.readFileSync(file, 'utf8');
  if (instances.get(key)?.code !== code) instances.set(key, loadAction(file, code));
  return instances.get(key);
}

function findHandler(instance, handler) {
  if ('failure' in instance) throw instance.failure;
  const found = instance.exports[handler];
  if (found?.constructor?.name !== 'AsyncFunction') {
    throw new Error(
      `Invalid function signature for the "${handler}" handler. ` +
        `Use "exports.${handler} = async function(event, api) { }" as the signature.`,
    );
  }
  return found;
}

/**
 * Run one handler of the Action in `file`; never rejects.
 * Without `instance` the instances of this process are used, one for each file and name.
 */
async function runAction({ file, name = '', instance, handler = 'onExecutePostLogin', event, assumptions, plan }) {
  const output = { text: '' };
  const started = performance.now();
  const { api, effects } = createApi({
    event, handler, assumptions: { ...DEFAULT_ASSUMPTIONS, ...assumptions }, plan: { ...DEFAULT_PLAN, ...plan },
  });
  let error = null;
  try {
    const call = findHandler(instance ?? findInstance(file, name), handler);
    await running.run(output, () => call(event, api));
  } catch (failure) {
    error = failure instanceof Error ? failure.message : String(failure);
  }
  return { effects, error, console: output.text, milliseconds: performance.now() - started };
}

/** Answer lines until stdin ends; several executions may be in flight. */
function serve() {
  const send = process.stdout.write.bind(process.stdout);
  const answer = (message) => send(`${JSON.stringify(message)}\n`);
  process.stdout.write = () => true; // what an Action prints past its console would break the lines
  process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; the tenant ends us by closing stdin
  // A promise or timer that an Action left behind must not end the logins of others.
  process.on('unhandledRejection', () => {});
  process.on('uncaughtException', () => {});
  const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity });
  lines.on('line', async (line) => {
    const { id, ping, ...call } = JSON.parse(line);
    if (ping) {
      answer({ id, pong: true });
      return;
    }
    const result = await runAction(call);
    try {
      answer({ id, ...result });
    } catch {
      answer({ id, error: 'The Action set a value that JSON cannot hold.' });
    }
  });
  lines.on('close', () => process.exit(0));
}

module.exports = { DEFAULT_ASSUMPTIONS, DEFAULT_PLAN, createApi, loadAction, runAction };

if (require.main === module) serve();
