// @ts-check
/** The audit trail: who did what and when, for the organization's administrators. */
import { Listing } from './listing.js';
import { Section } from './section.js';
import * as template from './template.js';
import * as views from './views.js';

/**
 * @typedef {{id: string, at: string, action: string, actor: {name: string | null} | null,
 *   target: {name: string | null} | null, details: Record<string, any>}} AuditEvent
 */

/**
 * The sentence for each action, in pieces. `actor`, `target`, `old` and `new` are replaced.
 * @type {Record<string, string[]>}
 */
const SENTENCES = {
  'organization.created': ['actor', ' created the organization.'],
  'organization.updated': ['actor', ' renamed the organization from ', 'old', ' to ', 'new', '.'],
  'organization.suspended': ['actor', ' suspended the organization.'],
  'organization.resumed': ['actor', ' ended the suspension of the organization.'],
  'member.added': ['actor', ' made ', 'target', ' a member.'],
  'member.blocked': ['actor', ' blocked ', 'target', '.'],
  'member.unblocked': ['actor', ' let ', 'target', ' in again.'],
  'member.logged_in': ['actor', ' logged in.'],
  'member.role_changed': ['actor', ' changed the role of ', 'target', ' from ', 'old', ' to ', 'new', '.'],
  'member.removed': ['actor', ' removed ', 'target', '.'],
  'member.left': ['actor', ' left.'],
  'invitation.created': ['actor', ' invited ', 'target', '.'],
  'invitation.resent': ['actor', ' sent the invitation of ', 'target', ' again.'],
  'invitation.withdrawn': ['actor', ' withdrew the invitation of ', 'target', '.'],
  'invitation.accepted': ['actor', ' accepted an invitation.'],
  'project.created': ['actor', ' created the project ', 'target', '.'],
  'project.updated': ['actor', ' changed the project ', 'target', '.'],
  'project.renamed': ['actor', ' renamed the project ', 'old', ' to ', 'new', '.'],
  'project.deleted': ['actor', ' deleted the project ', 'target', '.'],
};

/** @param {import('./sections.js').Sections} sections */
export function openAudit(sections) {
  return new Listing(new Section('audit', sections), '/audit-events', makeRow);
}

function makeRow() {
  const element = template.copyOf('audit-event');
  /** @param {AuditEvent} event */
  const show = (event) => {
    template.part(element, 'what').replaceChildren(...describe(event));
    template.writeMoment(template.part(element, 'at'), event.at);
  };
  return { element, show };
}

/** @param {AuditEvent} event @returns {(string | Node)[]} */
function describe({ action, actor, target, details }) {
  const [before, after] = details.name ?? details.role ?? [];
  const renamed = action === 'project.updated' && details.name;
  const sentence = SENTENCES[renamed ? 'project.renamed' : action];
  /** @type {Record<string, string>} */
  const parts = {
    actor: actor ? actor.name ?? 'An unnamed user' : 'An administrator of the service',
    target: target?.name ?? 'something that no longer exists',
    old: String(before),
    new: String(after),
  };
  const pieces = sentence ?? ['actor', ` did ${action}.`];
  return pieces.map((piece) => (Object.hasOwn(parts, piece) ? views.isolated(parts[piece]) : piece));
}
