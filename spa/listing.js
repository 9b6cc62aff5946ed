// @ts-check
/**
 * A list of the API, loaded page by page. Reloading keeps the elements of its rows, and with them the
 * focus and unsaved input.
 */

const PAGE_SIZE = 20;
const LARGEST_PAGE_SIZE = 100; // the API's limit

/**
 * @typedef {{element: HTMLElement, show: (item?: any) => void}} Row `show` without an item shows the
 *   last one again
 */

export class Listing {
  #section;
  #path;
  #makeRow;
  /** @type {Map<string, Row>} by id */
  #rows = new Map();
  /** @type {string | null} */
  #next = null;
  #reads = 0;

  /**
   * @param {import('./section.js').Section} section with the parts `items`, `empty` and `more`
   * @param {string} path @param {() => Row} makeRow
   */
  constructor(section, path, makeRow) {
    this.#section = section;
    this.#path = path;
    this.#makeRow = makeRow;
    section.reload = () => this.reload();
    section.part('more').addEventListener('click', () => this.#readMore());
  }

  /** Load the first page again, or as many rows as are shown. */
  reload() {
    return this.#read(null, Math.min(LARGEST_PAGE_SIZE, Math.max(PAGE_SIZE, this.#rows.size)));
  }

  /** Show each row again, after the person's role has changed. */
  showAgain() {
    for (const { show } of this.#rows.values()) show();
  }

  /** Remove all rows; a request that is still running shows nothing. */
  clear() {
    this.#reads += 1;
    this.#place([], null, new Map());
  }

  async #readMore() {
    const more = this.#section.part('more');
    const before = this.#rows.size;
    more.disabled = true;
    await this.#read(this.#next, PAGE_SIZE);
    more.disabled = false;
    const first = [...this.#rows.values()][before];
    (first?.element ?? more).focus();
  }

  /** @param {string | null} after @param {number} limit */
  #read(after, limit) {
    return this.#section.read(async () => {
      const read = (this.#reads += 1);
      const { items, next } = await this.#section.sections.api.get(this.#path, { limit, after });
      if (read !== this.#reads) return; // a later read or clear() has replaced this one
      this.#place(items, next, new Map(after === null ? [] : this.#rows));
    });
  }

  /** @param {{id: string}[]} items @param {string | null} next @param {Map<string, Row>} rows above */
  #place(items, next, rows) {
    const list = this.#section.part('items');
    for (const item of items) {
      const row = this.#rows.get(item.id) ?? this.#makeRow();
      row.show(item);
      rows.set(item.id, row);
    }
    for (const [id, { element }] of this.#rows) if (!rows.has(id)) element.remove();
    // Move an element only if its place has changed, because moving takes the focus away.
    [...rows.values()].forEach(({ element }, place) => {
      if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null);
    });
    this.#rows = rows;
    this.#next = next;
    this.#section.part('empty').hidden = rows.size > 0;
    this.#section.part('more').hidden = next === null;
  }
}
