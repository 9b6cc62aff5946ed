// @ts-check
/**
 * The sections with the data of one organization. They are written into a new copy of a template, so
 * that an answer that arrives after `close` cannot appear in the page of another organization.
 */
import { openAudit } from './audit.js';
import { openInvitations } from './invitations.js';
import { openMembers } from './members.js';
import { openOrganization } from './organization.js';
import { openProjects } from './projects.js';
import { Section } from './section.js';
import * as template from './template.js';
import * as views from './views.js';

/**
 * @typedef {{id: string, role: string, organization: {name: string}}} Me
 * @typedef {{lose: (error: any) => boolean, left: () => unknown, shown: (me: Me) => unknown,
 *   renamed: (name: string) => unknown}} Page functions of the page; `lose` returns whether the error
 *   ended the work in this organization
 */

/** @param {import('./api.js').Api} api @param {Page} page */
export function openSections(api, page) {
  return new Sections(api, page);
}

export class Sections {
  /** @type {Me | null} */
  me = null;
  closed = false;
  #myself;

  /** @param {import('./api.js').Api} api @param {Page} page */
  constructor(api, page) {
    this.api = api;
    this.page = page;
    views.element('sections').replaceChildren(template.copyOf('organization-sections'));
    this.#myself = new Section('myself', this);
    this.organization = openOrganization(this);
    this.projects = openProjects(this);
    this.members = openMembers(this);
    this.invitations = openInvitations(this);
    this.audit = openAudit(this);
    this.projects.reload();
    this.members.reload();
    this.readMe();
  }

  /** Whether the person may administer, by the role in the database, not the one in the token. */
  get mayAdminister() {
    return this.me?.role === 'admin' || this.me?.role === 'owner';
  }

  /** Ask the API for the person's role, and show what that role may do. */
  readMe() {
    return this.#myself.read(async () => {
      /** @type {Me} */
      const me = await this.api.get('/me');
      const before = this.me?.role;
      if (this.closed) return;
      this.me = me;
      this.page.shown(me);
      this.organization.showAgain();
      if (before === me.role) return;
      this.projects.showAgain();
      this.members.showAgain();
      this.invitations.showAgain();
      views.element('audit').hidden = !this.mayAdminister;
      for (const list of [this.invitations, this.audit]) {
        if (this.mayAdminister) list.reload();
        else list.clear();
      }
    });
  }

  /** Load what a change has changed. @param {Section} section where it was made */
  async changed(section) {
    await Promise.all([section.reload(), this.mayAdminister && this.audit.reload()]);
  }

  /** @param {any} error @returns {boolean} whether it ended the work here, so that it is not shown */
  lose(error) {
    return this.closed || this.page.lose(error);
  }

  /** Drop the data, unsaved input and answers that have not arrived. */
  close() {
    this.closed = true;
    this.api.close();
    views.element('sections').replaceChildren();
  }
}
