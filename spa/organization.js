// @ts-check
/** The organization's own name, which its administrators may change. */
import { Section } from './section.js';
import * as template from './template.js';
import * as views from './views.js';

/** @param {import('./sections.js').Sections} sections */
export function openOrganization(sections) {
  const section = new Section('organization', sections);
  /** @type {HTMLFormElement} */
  const form = section.part('rename');
  const name = template.field(form, 'name');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    section.change(
      form,
      () => sections.api.patch('/organization', { name: name.value.trim() }),
      (/** @type {{name: string}} */ organization) => {
        name.defaultValue = organization.name;
        form.reset();
        section.say('The organization is called ', views.isolated(organization.name), ' now.');
        sections.page.renamed(organization.name);
        return sections.changed(section);
      },
    );
  });
  return {
    /** Show the form to those who may rename, with the current name; unsaved input stays. */
    showAgain() {
      section.element.hidden = !sections.mayAdminister;
      // A field shows its default value until the person types.
      if (sections.me) name.defaultValue = sections.me.organization.name;
    },
  };
}
