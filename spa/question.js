// @ts-check
/** A question before a change, shown in place of the buttons that led to it. */
import * as template from './template.js';

let asked = 0;

/**
 * Ask, with the focus on "Cancel"; Escape cancels, too.
 * @param {HTMLElement} buttons shown again after the answer
 * @param {(string | Node)[]} words the question @param {string} yes the text of the other button
 * @param {() => unknown} work what that button does
 */
export function ask(buttons, words, yes, work) {
  const question = template.copyOf('question');
  const text = template.part(question, 'words');
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const answer = () => {
    question.remove();
    buttons.hidden = false;
    focused?.focus();
  };
  text.id = `question-${(asked += 1)}`;
  text.replaceChildren(...words);
  question.setAttribute('aria-labelledby', text.id);
  template.part(question, 'yes').textContent = yes;
  template.part(question, 'yes').addEventListener('click', () => {
    answer();
    work();
  });
  template.part(question, 'no').addEventListener('click', answer);
  question.addEventListener('keydown', ({ key }) => key === 'Escape' && answer());
  buttons.hidden = true;
  buttons.after(question);
  template.part(question, 'no').focus();
}
