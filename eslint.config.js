'use strict';

// Three kinds of JavaScript live here: the Action (CommonJS on Auth0's Node 22, no dependencies),
// the single-page app (ES modules, no bundler) and what runs both under Node for tests.
const js = require('@eslint/js');
const globals = require('globals');

const node = { ...globals.node, fetch: 'readonly' };

const rules = {
  eqeqeq: 'error',
  'no-console': 'off',
  'no-eval': 'error',
  'no-implied-eval': 'error',
  'no-new-func': 'error',
  'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
  'no-var': 'error',
  'prefer-const': 'error',
  'require-atomic-updates': 'error',
};

module.exports = [
  { ignores: ['node_modules/', '.venv/', '.local/', 'build/', 'dist/'] },
  js.configs.recommended,
  { rules, linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    // `code.js` is wrapped by Auth0, so it has `exports` and `require` and nothing of a browser.
    files: ['actions/**/*.js', 'tests/**/*.js', 'tests/**/*.cjs', 'local_tenant/**/*.js', 'eslint.config.js'],
    languageOptions: { sourceType: 'commonjs', ecmaVersion: 2023, globals: node },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { sourceType: 'module', ecmaVersion: 2023, globals: node },
  },
  {
    files: ['spa/**/*.js'],
    languageOptions: { sourceType: 'module', ecmaVersion: 2023, globals: globals.browser },
  },
];
