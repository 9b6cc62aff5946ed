'use strict';
/**
 * Tries each mutant of an Action: `node run_javascript.js SHARE SHARES FILE` does every SHARES-th of them.
 *
 * All in one process, because starting Node takes longer than the tests: the test files are read with
 * a `node:test` that only collects, then their functions are called until one fails. A line out for
 * each mutant: {start, end, now, killer}; the first line is for the unmutated file.
 */
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');
const { use } = require('../actions/login.js');
const { hangUp } = require('../actions/selector.js');
const { makeMutants } = require('./javascript_mutants.js');

const TESTS = path.resolve(__dirname, '../actions');
const TIME_LIMIT = 5000; // milliseconds for one test; even on a busy machine the slowest takes a tenth

/** The tests of one file, in its order, not run. */
function collect(file) {
  const tests = [];
  const test = (name, ...given) => tests.push({ name: `${path.basename(file)}: ${name}`, work: given.at(-1) });
  const own = createRequire(file);
  const load = (name) => (name === 'node:test' ? { test } : own(name));
  const module = { exports: {} };
  const body = vm.compileFunction(fs.readFileSync(file, 'utf8'), ['require', 'module', 'exports', '__dirname'], { filename: file });
  body(load, module, module.exports, TESTS);
  return tests;
}

/** Whether the test passes within the time limit; nothing of it goes on afterwards. */
async function passes({ work }) {
  const outcome = Promise.resolve().then(work).then(() => true, () => false);
  const limit = (milliseconds) => {
    let timer;
    const expired = new Promise((resolve) => { timer = setTimeout(resolve, milliseconds, 'late'); });
    return Promise.race([outcome, expired]).finally(() => clearTimeout(timer));
  };
  const first = await limit(TIME_LIMIT);
  if (first !== 'late') return first;
  hangUp();
  await limit(TIME_LIMIT);
  return false;
}

/** Whether the unmutated file passes; from then on the quick tests go first. */
async function rehearse(tests) {
  const milliseconds = new Map();
  for (const test of tests) {
    const started = performance.now();
    if (!(await passes(test))) return test.name;
    milliseconds.set(test, performance.now() - started);
  }
  tests.sort((one, other) => milliseconds.get(one) - milliseconds.get(other));
  return null;
}

/** The name of the first test that fails; it moves to the front, since it may well fail again. */
async function findKiller(tests) {
  for (const [at, test] of tests.entries()) {
    if (!(await passes(test))) {
      tests.unshift(...tests.splice(at, 1));
      return test.name;
    }
  }
  return null;
}

async function main(share, shares, file) {
  process.on('unhandledRejection', () => {}); // a mutant may leave anything behind
  const tests = fs.readdirSync(TESTS).filter((name) => name.endsWith('.test.js')).sort()
    .flatMap((name) => collect(path.join(TESTS, name)));
  const source = fs.readFileSync(file, 'utf8');
  const report = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const mutants = makeMutants(source);
  report({ tests: tests.length, mutants: mutants.length, killer: await rehearse(tests) });
  for (const [number, { start, end, now }] of mutants.entries()) {
    if (number % shares !== share) continue;
    use(file, source.slice(0, start) + now + source.slice(end));
    report({ start, end, now, killer: await findKiller(tests) });
  }
  process.exit(0); // whatever a mutant still waits for
}

main(Number(process.argv[2]), Number(process.argv[3]), process.argv[4]);
