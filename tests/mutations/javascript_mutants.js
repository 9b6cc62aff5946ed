'use strict';
/**
 * Every small mistake somebody could make in a JavaScript file: a list of {start, end, now}, where
 * `now` stands in the place of the text between start and end. Found in the syntax tree.
 */
const espree = require('espree');
const { KEYS } = require('eslint-visitor-keys');

const NEGATED = { '===': '!==', '!==': '===', '<': '>=', '<=': '>', '>': '<=', '>=': '<' };
const BOUNDARY = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' };

/** Visit every node with its ancestors, the nearest last. */
function walk(node, visit, ancestors = []) {
  visit(node, ancestors);
  const below = [...ancestors, node];
  for (const key of KEYS[node.type]) {
    for (const child of [node[key]].flat()) if (child) walk(child, visit, below);
  }
}

const isIn = (ancestors, type) => ancestors.some((one) => one.type === type);

/** The cause of an error, such as that in `new Error('…')`: its words are for people and may be any. */
const isMessage = (ancestors, node) =>
  ancestors.some(({ callee, arguments: given }) =>
    ['Error', 'Unusable', 'failed'].includes(callee?.name) || (callee?.name === 'Denied' && given[1] === node));

/** What may be wrong at each type of node: yields [start, end, now], or [node, now]. */
const MISTAKES = {
  *ThrowStatement(node) {
    yield [node, ';'];
  },
  *ReturnStatement(node) {
    if (node.argument === null) yield [node, ';'];
  },
  *ExpressionStatement(node) {
    if (!node.directive && node.expression.type !== 'AssignmentExpression') yield [node, ';'];
  },
  *IfStatement(node, text) {
    yield [node.test, `!(${text(node.test)})`];
    yield [node.test, 'false'];
  },
  *ConditionalExpression(node, text) {
    yield [node.test, `!(${text(node.test)})`];
  },
  *LogicalExpression(node, text) {
    yield [node, text(node.left)];
    yield [node, text(node.right)];
  },
  *BinaryExpression({ operator, left, right }, text) {
    for (const other of [NEGATED[operator], BOUNDARY[operator]]) {
      if (other) yield [left.range[0], right.range[1], `${text(left)} ${other} ${text(right)}`];
    }
  },
  *UnaryExpression(node, text) {
    if (node.operator === '!') yield [node, text(node.argument)];
  },
  *SwitchCase(node, text) {
    if (node.test) yield [node.test, 'Symbol()'];
    else if (node.consequent.length) yield [node.consequent[0].range[0], node.consequent.at(-1).range[1], ''];
    if (node.test && node.consequent.length) yield [node, `case ${text(node.test)}:`];
  },
  *Property(node, text, ancestors, source) {
    if (ancestors.at(-1).type === 'ObjectPattern') return;
    const comma = source[node.range[1]] === ',' ? 1 : 0;
    yield [node.range[0], node.range[1] + comma, ''];
  },
  *ArrayExpression(node, text) {
    for (const dropped of node.elements) {
      yield [node, `[${node.elements.filter((one) => one !== dropped).map(text).join(', ')}]`];
    }
  },
  *CallExpression(node, text) {
    // What a call adds to the value before its dot: `text.split(…)` → `text`.
    if (node.callee.type === 'MemberExpression') yield [node, text(node.callee.object)];
    if (node.arguments.length > 1) {
      yield [node.arguments.at(-2).range[1], node.arguments.at(-1).range[1], ''];
    }
  },
  *MemberExpression(node, text) {
    if (!node.optional) return;
    const member = text(node.property);
    yield [node, `${text(node.object)}${node.computed ? `[${member}]` : `.${member}`}`];
  },
  *Literal(node, text, ancestors) {
    if (isMessage(ancestors, node) || isIn(ancestors.slice(-1), 'ExpressionStatement')) return;
    if (typeof node.value === 'number') {
      yield [node, `${node.value + 1}`];
      yield [node, `${node.value - 1}`];
    } else if (typeof node.value === 'string') {
      yield [node, node.value === '' ? "'mutant'" : "''"];
    } else if (typeof node.value === 'boolean') {
      yield [node, `${!node.value}`];
    } else if (node.regex) {
      const { pattern, flags } = node.regex;
      if (pattern.startsWith('^')) yield [node, `/${pattern.slice(1)}/${flags}`];
      if (pattern.endsWith('$')) yield [node, `/${pattern.slice(0, -1)}/${flags}`];
    }
  },
};

/** List the mutants of `source`, each once, in the order of the file; all of them are JavaScript. */
function makeMutants(source) {
  const parse = (text) => espree.parse(text, { ecmaVersion: 2023, sourceType: 'commonjs', range: true });
  const text = (node) => source.slice(...node.range);
  const found = new Map();
  walk(parse(source), (node, ancestors) => {
    for (const mistake of MISTAKES[node.type]?.(node, text, ancestors, source) ?? []) {
      const [start, end, now] = mistake.length === 2 ? [...mistake[0].range, mistake[1]] : mistake;
      const mutant = source.slice(0, start) + now + source.slice(end);
      parse(mutant);
      if (mutant !== source) found.set(mutant, { start, end, now });
    }
  });
  return [...found.values()].sort((one, other) => one.start - other.start);
}

module.exports = { makeMutants };
