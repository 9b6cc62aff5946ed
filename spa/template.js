// @ts-check
/** Copy the page's templates and fill them in, with text only, never markup. */

/** @param {string} template @returns {HTMLElement} a copy of the one element in it */
export function copyOf(template) {
  const { content } = /** @type {HTMLTemplateElement} */ (document.getElementById(template));
  return /** @type {HTMLElement} */ (document.importNode(content, true).firstElementChild);
}

/** @param {Element} place @param {string} name @returns {HTMLElement} */
export function part(place, name) {
  return /** @type {HTMLElement} */ (place.querySelector(`[data-part="${name}"]`));
}

/** @param {Element} form @param {string} name @returns {HTMLInputElement} */
export function field(form, name) {
  return /** @type {HTMLInputElement} */ (form.querySelector(`[name="${name}"]`));
}

/** Write a text wherever it is shown. @param {Element} place @param {string} name @param {string} text */
export function writeAll(place, name, text) {
  for (const node of place.querySelectorAll(`[data-text="${name}"]`)) node.textContent = text;
}

/** Write a time in the person's format. @param {HTMLElement} node a <time> @param {string} moment RFC 3339 */
export function writeMoment(node, moment) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  node.setAttribute('datetime', moment);
  node.lang = format.resolvedOptions().locale;
  node.textContent = format.format(new Date(moment));
}
