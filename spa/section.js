// @ts-check
/**
 * One section of the organization's page: it shows results and problems, and disables buttons while
 * a change is running, so that the change is not sent twice.
 */
import { ApiError } from './api.js';
import { explain } from './problems.js';
import * as template from './template.js';
import * as views from './views.js';

/** @typedef {HTMLButtonElement | HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control */

let described = 0;

export class Section {
  /** @type {() => any} load the section's data again; sections with a list set it */
  reload = () => {};
  /** @type {() => any} the action of the button "Try again" */
  #again = () => {};
  /** @type {'change' | 'read' | null} what failed, if a problem is shown */
  #about = null;

  /** @param {string} id @param {import('./sections.js').Sections} sections */
  constructor(id, sections) {
    this.sections = sections;
    this.element = views.element(id);
    const heading = this.element.querySelector('h2');
    this.element.insertBefore(template.copyOf('said'), heading ? heading.nextSibling : null);
    this.part('again').addEventListener('click', async () => {
      await this.#again();
      this.#keepFocus();
    });
  }

  /** @param {string} name @returns {any} the element of that name in this section */
  part(name) {
    return template.part(this.element, name);
  }

  /** Show the result of a change; screen readers say it, too. @param {...(string | Node)} words */
  say(...words) {
    this.part('said').replaceChildren(...words);
  }

  /** Remove old results and problems. @param {HTMLElement} place a form or row here */
  clear(place) {
    this.say();
    this.#showProblem(null);
    showFieldErrors(place, []);
  }

  /** Move the focus to the heading, when the focused element is gone. */
  focus() {
    this.element.querySelector('h2')?.focus();
  }

  /**
   * Change something. The controls in `place` are disabled meanwhile and keep their input. A problem
   * is shown beside its field, or in the section, with a button if another try may help.
   * @template T
   * @param {HTMLElement} place @param {() => Promise<T>} work @param {(value: T) => unknown} done
   */
  async change(place, work, done) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const controls = controlsOf(place).filter((control) => !control.disabled);
    this.clear(place);
    for (const control of controls) control.disabled = true;
    const { value, error } = await settle(work);
    if (this.sections.closed) return;
    for (const control of controls) control.disabled = false;
    if (document.activeElement === document.body) focused?.focus();
    const now = /** @type {HTMLElement} */ (document.activeElement);
    const following = error
      ? this.#explain(error, place, () => this.change(place, work, done))
      : done(/** @type {T} */ (value));
    if (now !== focused && !place.contains(now)) now.focus(); // the person has moved on
    await following;
    this.#keepFocus();
  }

  /** Load something; the result of a change stays visible. @param {() => Promise<unknown>} work */
  async read(work) {
    const { error } = await settle(work);
    if (error && !this.sections.lose(error)) {
      this.#showProblem('read', error, () => this.read(work));
      if (error.code === 'insufficient_role') this.sections.readMe();
    } else if (this.#about === 'read') {
      this.#showProblem(null);
    }
  }

  /** @param {any} error @param {HTMLElement} place @param {() => unknown} again */
  async #explain(error, place, again) {
    if (this.sections.lose(error)) return;
    const errors = error instanceof ApiError ? error.errors : [];
    if (errors.length > 0 && showFieldErrors(place, errors)) return;
    this.#showProblem('change', error, again);
    if (error.code === 'insufficient_role') await this.sections.readMe();
    if (['insufficient_role', 'not_found'].includes(error.code)) await this.reload();
  }

  #keepFocus() {
    const focused = document.activeElement;
    if (!focused || focused === document.body || !focused.checkVisibility()) this.focus();
  }

  /** @param {'change' | 'read' | null} about @param {any} [error] @param {() => unknown} [again] */
  #showProblem(about, error, again = () => {}) {
    const { text, worthwhile } = about ? explain(error) : { text: '', worthwhile: false };
    this.#about = about;
    this.#again = again;
    this.part('problem').textContent = text;
    this.part('again').hidden = !worthwhile;
    if (text) this.part('problem').scrollIntoView({ block: 'nearest' });
  }
}

/** @param {HTMLElement} place */
function controlsOf(place) {
  return [.../** @type {NodeListOf<Control>} */ (place.querySelectorAll('button, input, select, textarea'))];
}

/** @template T @param {() => Promise<T>} work @returns {Promise<{value?: T, error?: any}>} */
async function settle(work) {
  try {
    return { value: await work() };
  } catch (error) {
    console.warn(error);
    return { error };
  }
}

/**
 * Show each error beside its field, and move the focus to the first of these fields.
 * @param {HTMLElement} place @param {import('./api.js').FieldError[]} errors
 * @returns {boolean} whether every error has a field here
 */
function showFieldErrors(place, errors) {
  const left = new Map(errors.map(({ pointer, detail }) => [pointer, detail]));
  for (const error of /** @type {NodeListOf<HTMLElement>} */ (place.querySelectorAll('[data-error]'))) {
    const field = /** @type {HTMLElement} */ (place.querySelector(`[name="${error.dataset.error}"]`));
    const pointer = `/${error.dataset.error}`;
    error.id ||= `field-error-${(described += 1)}`;
    // `data-wrong` says what the field may contain; the API's own text is for developers.
    error.textContent = left.has(pointer) ? error.dataset.wrong ?? left.get(pointer) ?? '' : '';
    field.setAttribute('aria-describedby', error.id);
    field.setAttribute('aria-invalid', String(left.delete(pointer)));
  }
  if (errors.length > 0) {
    /** @type {HTMLElement | null} */ (place.querySelector('[aria-invalid="true"]'))?.focus();
  }
  return left.size === 0;
}
