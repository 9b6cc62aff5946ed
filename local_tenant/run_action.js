'use strict';
/**
 * Run the handlers of Auth0 Actions: as a child process of the local tenant, with lines of JSON on stdin and stdout,
 * or in the process of a `node --test` unit test, by `require('./run_action.js')`.
 *
 * An Action is loaded as Auth0 does it: it is CommonJS, its top level runs once per instance, all runs share the
 * module's state, and if the top level threw an error, every run throws it again. A change of the file makes a new
 * instance, as a deployment does. The parent process enforces the time limit, because an endless loop in an Action
 * also stops the timers of this process.
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

/** The rows of assumptions.py that change what an Action sees; a test compares both files. */
const DEFAULT_ASSUMPTIONS = Object.freeze({
  body_state_overrides: true,
  metadata_write_without_plan: 'ignored',
  return_token_iss_enforced: true,
  return_token_minimum_seconds: 0,
});
const DEFAULT_PLAN = Object.freeze({ refresh_token_metadata: false, session_metadata: false });
const CONSOLE_LIMIT = 256; // characters of console output that Auth0 keeps of one run

const running = new AsyncLocalStorage();
const write = (...given) => {
  const store = running.getStore();
  if (store) store.text = `${store.text}${format(...given)}\n`.slice(0, CONSOLE_LIMIT);
};
const actionConsole = { ...console, log: write, info: write, warn: write, error: write, debug: write };

/** Make an instance of an Action: its exports, or the error that its top level threw, for every run to throw. */
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
 * Run one handler of the Action in `file`; a failure is in the result's `error`, the promise never rejects.
 * Without `instance`, each `file` and `name` has one instance in this process.
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

/** Answer lines until stdin ends; several handlers may run at the same time. */
function serve() {
  const send = process.stdout.write.bind(process.stdout);
  const answer = (message) => send(`${JSON.stringify(message)}\n`);
  process.stdout.write = () => true; // an Action that writes to stdout would corrupt the answers
  process.on('SIGINT', () => {}); // Ctrl-C reaches this process, too; the tenant ends it by closing stdin
  // A promise or timer that fails after its Action has ended must not end the process and other logins.
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
