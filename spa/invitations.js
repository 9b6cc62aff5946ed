// @ts-check
/** Invitations that were not accepted yet, for the organization's administrators. */
import { Listing } from './listing.js';
import { ask } from './question.js';
import { offerRoles } from './roles.js';
import { Section } from './section.js';
import * as template from './template.js';
import * as views from './views.js';

/** Of the mail: the inviter's, as the best guess. Chromium without a locale says en-US@posix. */
const LANGUAGE = /^[A-Za-z]{2,8}/.exec(navigator.language)?.[0] ?? '';

/**
 * @typedef {{id: string, email: string, role: string, status: 'open' | 'expired', mail: 'waiting' | 'sent',
 *   invited_by: {name: string | null} | null, expires_at: string}} Invitation
 */

/** @param {import('./sections.js').Sections} sections */
export function openInvitations(sections) {
  const { api } = sections;
  const section = new Section('invitations', sections);
  const listing = new Listing(section, '/invitations', makeRow);
  /** @type {HTMLFormElement} */
  const form = section.part('invite');
  const email = template.field(form, 'email');
  const role = /** @type {HTMLSelectElement} */ (template.part(form, 'role-wanted'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const body = { email: email.value.trim(), role: role.value, language: LANGUAGE };
    section.change(form, () => api.post('/invitations', body), async (/** @type {Invitation} */ invitation) => {
      form.reset();
      section.say('You invited ', views.isolated(invitation.email), '. A mail is on its way.');
      email.focus();
      await sections.changed(section);
    });
  });

  function makeRow() {
    const element = template.copyOf('invitation');
    const [buttons, resend, withdraw] = ['buttons', 'resend', 'withdraw'].map((name) =>
      template.part(element, name),
    );
    /** @type {Invitation} */
    let invitation;
    const path = () => `/invitations/${encodeURIComponent(invitation.id)}`;
    const whom = () => views.isolated(invitation.email);

    resend.addEventListener('click', () => {
      section.change(element, () => api.post(`${path()}/resend`), (/** @type {Invitation} */ item) => {
        show(item);
        section.say('The mail to ', whom(), ' is on its way again.');
        return sections.changed(section);
      });
    });
    withdraw.addEventListener('click', () => {
      ask(buttons, ['Withdraw the invitation of ', whom(), '?'], 'Withdraw', () =>
        section.change(element, () => api.delete(path()), () => {
          section.focus();
          section.say('You withdrew the invitation of ', whom(), '.');
          return sections.changed(section);
        }),
      );
    });

    /** @param {Invitation} [item] */
    function show(item = invitation) {
      invitation = item;
      const inReach = sections.me?.role === 'owner' || item.role !== 'owner';
      template.writeAll(element, 'email', item.email);
      template.writeAll(element, 'role', item.role);
      template.writeAll(element, 'inviter', item.invited_by?.name ?? 'an administrator');
      template.part(element, 'waiting').hidden = item.mail !== 'waiting';
      template.part(element, 'expired').hidden = item.status !== 'expired';
      template.part(element, 'open').hidden = item.status !== 'open';
      template.writeMoment(template.part(element, 'expires'), item.expires_at);
      resend.hidden = !inReach;
      withdraw.hidden = !inReach;
    }
    return { element, show };
  }

  return {
    reload: () => listing.reload(),
    clear: () => listing.clear(),
    showAgain() {
      section.element.hidden = !sections.mayAdminister;
      offerRoles(role, sections.me?.role === 'owner', role.value || 'member');
      if (role.selectedIndex < 0) role.value = 'member'; // owner, which is not offered any more
      listing.showAgain();
    },
  };
}
