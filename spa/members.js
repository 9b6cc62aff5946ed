// @ts-check
/** The members. Administrators change roles and remove members; each member can leave. */
import { Listing } from './listing.js';
import { ask } from './question.js';
import { offerRoles } from './roles.js';
import { Section } from './section.js';
import * as template from './template.js';
import * as views from './views.js';

/** @typedef {{id: string, name: string | null, email: string | null, role: string}} Member */

/** @param {import('./sections.js').Sections} sections */
export function openMembers(sections) {
  const { api } = sections;
  const section = new Section('members', sections);
  return new Listing(section, '/members', makeRow);

  function makeRow() {
    const element = template.copyOf('member');
    const [buttons, remove, leave, change] = ['buttons', 'remove', 'leave', 'change'].map((name) =>
      template.part(element, name),
    );
    const changing = /** @type {HTMLFormElement} */ (template.part(element, 'changing'));
    const role = /** @type {HTMLSelectElement} */ (template.part(changing, 'role-wanted'));
    /** @type {Member} */
    let member;

    const path = () => `/members/${encodeURIComponent(member.id)}`;
    const who = () => views.isolated(calledBy(member));
    const offer = () => {
      change.hidden = role.value === member.role;
    };
    /** @param {Member} item */
    const changed = async (item) => {
      show(item);
      role.focus();
      section.say(who(), ` has the role ${member.role} now.`);
      if (member.id === sections.me?.id) await sections.readMe();
      await sections.changed(section);
    };
    role.addEventListener('change', offer);
    changing.addEventListener('submit', (event) => {
      event.preventDefault();
      section.change(changing, () => api.patch(path(), { role: role.value }), changed);
    });
    remove.addEventListener('click', () => {
      ask(buttons, ['Remove ', who(), ' from the organization?'], 'Remove', () =>
        section.change(element, () => api.delete(path()), () => {
          section.focus();
          section.say('You removed ', who(), '.');
          return sections.changed(section);
        }),
      );
    });
    leave.addEventListener('click', () => {
      ask(buttons, ['Leave this organization? Only its administrators can add you again.'], 'Leave', () =>
        section.change(element, () => api.delete(path()), () => sections.page.left()),
      );
    });

    /** @param {Member} [item] */
    function show(item = member) {
      const myself = item.id === sections.me?.id;
      const owner = sections.me?.role === 'owner';
      const inReach = sections.mayAdminister && (owner || item.role !== 'owner');
      // Keep a role that is selected and not yet saved, unless the member's role has changed.
      const chosen = member?.role === item.role && !changing.hidden ? role.value : item.role;
      member = item;
      write(element, member);
      template.part(element, 'myself').hidden = !myself;
      offerRoles(role, owner, chosen);
      if (role.selectedIndex < 0) role.value = item.role;
      changing.hidden = !inReach;
      remove.hidden = !inReach || myself;
      leave.hidden = !myself;
      offer();
    }
    return { element, show };
  }
}

/** @param {HTMLElement} element @param {Member} member */
function write(element, member) {
  template.writeAll(element, 'name', calledBy(member));
  template.writeAll(element, 'email', member.email ?? '');
  template.writeAll(element, 'role', member.role);
}

/** @param {Member} member */
function calledBy(member) {
  return member.name || member.email || 'An unnamed user';
}
