// @ts-check
/** The membership roles that a person may give, for the lists to choose from. */
const ROLES = ['member', 'admin', 'owner'];

/**
 * Offer them; only an owner makes owners.
 * @param {HTMLSelectElement} list @param {boolean} isOwner @param {string} chosen if it is offered
 */
export function offerRoles(list, isOwner, chosen) {
  const offered = ROLES.filter((role) => isOwner || role !== 'owner');
  list.replaceChildren(...offered.map((role) => new Option(role, role)));
  list.value = chosen;
}
