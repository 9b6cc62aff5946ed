// @ts-check
/**
 * A client of the API for one organization: `fetch` with an access token, and errors with a code.
 *
 * This file is made to be copied. The access token alone says whose data is read or changed, so
 * `getAccessToken({ fresh })` must return tokens of one organization, or throw. Its errors are
 * passed on unchanged. When the tab moves to another organization, `close` the client and make a new
 * one.
 */

/** Milliseconds until a request is given up: people do not wait longer for a button. */
const TIME_LIMIT = 15_000;

/** @typedef {{pointer?: string, parameter?: string, detail: string}} FieldError */

/** The API refused (RFC 9457), or did not answer: then `status` is 0 and `code` `network_failure`. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {{detail?: string, errors?: FieldError[], retryAfter?: number | null, cause?: unknown}} [more]
   *   `retryAfter`: seconds
   */
  constructor(status, code, { detail = '', errors = [], retryAfter = null, cause } = {}) {
    super(detail || code, { cause });
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

/**
 * @param {string} apiUrl
 * @param {(options?: {fresh?: boolean}) => Promise<string>} getAccessToken
 */
export function createApi(apiUrl, getAccessToken) {
  return new Api(apiUrl, getAccessToken);
}

/** Every method throws an ApiError or an error of `getAccessToken`. Paths begin with a slash. */
export class Api {
  #apiUrl;
  #getAccessToken;
  #closing = new AbortController();
  /** @type {Promise<string> | null} */
  #renewal = null;
  /** @type {Map<string, string>} posts without an answer so far, and their Idempotency-Keys */
  #unanswered = new Map();

  /** @param {string} apiUrl @param {(options?: {fresh?: boolean}) => Promise<string>} getAccessToken */
  constructor(apiUrl, getAccessToken) {
    this.#apiUrl = apiUrl;
    this.#getAccessToken = getAccessToken;
  }

  /** @param {string} path @param {Record<string, string | number | null>} [parameters] `null`: omitted */
  get(path, parameters = {}) {
    const given = Object.entries(parameters).filter(([, value]) => value !== null);
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return this.#request('GET', given.length ? `${path}?${query}` : path);
  }

  /**
   * Post so that it is safe to repeat: until an answer arrives, the same body is sent with the same
   * Idempotency-Key.
   * @param {string} path @param {object} [body]
   */
  async post(path, body) {
    const what = `${path} ${JSON.stringify(body)}`;
    const key = this.#unanswered.get(what) ?? crypto.randomUUID();
    this.#unanswered.set(what, key);
    try {
      const answer = await this.#request('POST', path, body, { 'Idempotency-Key': key });
      this.#unanswered.delete(what);
      return answer;
    } catch (error) {
      const refused = error instanceof ApiError && error.status >= 400 && error.status < 500;
      if (refused && error.status !== 409) this.#unanswered.delete(what); // 409: the first one still runs
      throw error;
    }
  }

  /** @param {string} path @param {object} body */
  patch(path, body) {
    return this.#request('PATCH', path, body);
  }

  /** @param {string} path */
  delete(path) {
    return this.#request('DELETE', path);
  }

  /** Abort all running requests; later ones fail at once. */
  close() {
    this.#closing.abort();
  }

  /**
   * @param {string} method @param {string} path @param {object} [body]
   * @param {Record<string, string>} [headers]
   * @returns {Promise<any>} `null` for a response without content
   */
  async #request(method, path, body, headers = {}) {
    /** @param {string} token */
    const send = (token) => this.#send(path, {
      method,
      headers: {
        ...headers,
        Authorization: `Bearer ${token}`,
        ...(body && { 'Content-Type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
    });
    let response = await send(await this.#getAccessToken());
    if (response.status === 401) response = await send(await this.#renew());
    if (!response.ok) throw await readProblem(response);
    if (response.status === 204) return null;
    try {
      return await response.json();
    } catch (cause) {
      throw new ApiError(0, 'network_failure', { cause });
    }
  }

  /** @param {string} path @param {RequestInit} request */
  async #send(path, request) {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(TIME_LIMIT)]);
    try {
      return await fetch(this.#apiUrl + path, {
        ...request, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
      });
    } catch (cause) {
      throw new ApiError(0, 'network_failure', { cause });
    }
  }

  /** Renew the token once for all requests that were refused at the same time. */
  #renew() {
    this.#renewal ??= this.#getAccessToken({ fresh: true }).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }
}

/** @param {Response} response it may come from a proxy, without problem+json */
async function readProblem(response) {
  const problem = await response.json().catch(() => null);
  const { code, detail, errors } = problem ?? {};
  const busy = [502, 503, 504].includes(response.status);
  const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  return new ApiError(
    response.status,
    typeof code === 'string' ? code : busy ? 'temporarily_unavailable' : 'unknown_error',
    {
      detail: typeof detail === 'string' ? detail : '',
      errors: Array.isArray(errors) ? errors : [],
      retryAfter: Number.isNaN(seconds) ? null : seconds,
    },
  );
}
