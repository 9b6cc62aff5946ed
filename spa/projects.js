// @ts-check
/** The organization's projects. Every member creates and renames; administrators delete. */
import { Listing } from './listing.js';
import { ask } from './question.js';
import { Section } from './section.js';
import * as template from './template.js';
import * as views from './views.js';

/** @typedef {{id: string, name: string, description: string | null, created_at: string}} Project */

/** @param {import('./sections.js').Sections} sections */
export function openProjects(sections) {
  const { api } = sections;
  const section = new Section('projects', sections);
  const listing = new Listing(section, '/projects', makeRow);
  /** @type {HTMLFormElement} */
  const form = section.part('create');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const [name, description] = ['name', 'description'].map((field) => template.field(form, field));
    /** @param {Project} project */
    const created = (project) => {
      form.reset();
      name.focus();
      section.say('You created ', views.isolated(project.name), '.');
      return sections.changed(section);
    };
    section.change(
      form,
      () => api.post('/projects', { name: name.value.trim(), description: description.value }),
      created,
    );
  });
  return listing;

  function makeRow() {
    const element = template.copyOf('project');
    const [buttons, rename, remove] = ['buttons', 'rename', 'delete'].map((part) =>
      template.part(element, part),
    );
    const renaming = /** @type {HTMLFormElement} */ (template.part(element, 'renaming'));
    const name = template.field(renaming, 'name');
    /** @type {Project} */
    let project;

    const path = () => `/projects/${encodeURIComponent(project.id)}`;
    /** @param {boolean} open */
    const turn = (open) => {
      renaming.hidden = !open;
      buttons.hidden = open;
      (open ? name : rename).focus();
    };
    /** @param {Project} item */
    const renamed = (item) => {
      show(item);
      turn(false);
      section.say('It is called ', views.isolated(project.name), ' now.');
      return sections.changed(section);
    };
    rename.addEventListener('click', () => {
      name.value = project.name;
      section.clear(renaming);
      turn(true);
      name.select();
    });
    template.part(renaming, 'cancel').addEventListener('click', () => turn(false));
    renaming.addEventListener('keydown', ({ key, isComposing }) => {
      if (key === 'Escape' && !isComposing) turn(false);
    });
    renaming.addEventListener('submit', (event) => {
      event.preventDefault();
      section.change(renaming, () => api.patch(path(), { name: name.value.trim() }), renamed);
    });
    remove.addEventListener('click', () => {
      ask(buttons, ['Delete ', views.isolated(project.name), ' for good?'], 'Delete', () =>
        section.change(element, () => api.delete(path()), () => {
          section.focus();
          section.say('You deleted ', views.isolated(project.name), '.');
          return sections.changed(section);
        }),
      );
    });
    /** @param {Project} [item] */
    function show(item = project) {
      project = item;
      template.writeAll(element, 'name', project.name);
      template.writeAll(element, 'description', project.description ?? '');
      template.writeMoment(template.part(element, 'created'), project.created_at);
      remove.hidden = !sections.mayAdminister;
    }
    return { element, show };
  }
}
