// @ts-check
/**
 * What the API has of one organization. Everything here belongs to that one: it stands in a fresh
 * copy of a template, and an answer that arrives after `close` finds nothing to write to.
 */
import { openAudit } from './audit.js';
import { openMembers } from './members.js';
import { openOrganization } from './organization.js';
import { openProjects } from './projects.js';
import { Section } from './section.js';
import * as template from './template.js';
import * as views from './views.js';

/**
 * @typedef {{id: string, role: string, organization: {name: string}}} Me
 * @typedef {{lose: (error: any) => boolean, left: () => unknown, shown: (me: Me) => unknown,
 *   renamed: (name: string) => unknown}} Page what the page does; `lose`: whether the error
 *   ends the work in this organization
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
    this.audit = openAudit(this);
    this.projects.reload();
    this.members.reload();
    this.readMe();
  }

  /** Whether the role in the database, not the token's, is one that administers. */
  get mayAdminister() {
    return this.me?.role === 'admin' || this.me?.role === 'owner';
  }

  /** Ask who is here and in which role, and show what that role may do. */
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
      views.element('audit').hidden = !this.mayAdminister;
      if (this.mayAdminister) this.audit.reload();
      else this.audit.clear();
    });
  }

  /** Show what a change changed. @param {Section} section where it was made */
  async changed(section) {
    await Promise.all([section.reload(), this.mayAdminister && this.audit.reload()]);
  }

  /** @param {any} error @returns {boolean} whether it ended the work here, and needs no words here */
  lose(error) {
    return this.closed || this.page.lose(error);
  }

  /** Forget everything: data, what was typed, and answers that are still to come. */
  close() {
    this.closed = true;
    this.api.close();
    views.element('sections').replaceChildren();
  }
}
