// @ts-check
/** "Are you sure?", inside the page, in place of the buttons that led to it. */
import * as template from './template.js';

let asked = 0;

/**
 * Ask, with the focus on the answer that changes nothing; Escape gives it, too.
 * @param {HTMLElement} buttons they come back with the answer
 * @param {(string | Node)[]} words @param {string} yes what its button does
 * @param {() => unknown} work
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
