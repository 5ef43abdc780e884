/**
 * The server's API, as the widget and the developer page use it.
 *
 * What is read is JSON; what goes wrong is a `Problem`; what happens is told by `events`, which comes back by itself
 * after a lost connection and goes on where it was.
 */

/** An answer of the server that says no. */
export class Problem extends Error {
  /**
   * @param {number} status HTTP status; 0 if there was no answer.
   * @param {{title?: string, detail?: string}} body The server's own words.
   */
  constructor(status, body) {
    super(body.detail || body.title || `the server answered ${status}`);
    this.status = status;
    this.body = body;
  }
}

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;

export class Api {
  /**
   * @param {string} base Where the app is mounted.
   * @param {() => Record<string, string>} headers Asked for with every request, such as an API key.
   */
  constructor(base, headers = () => ({})) {
    this.base = base.replace(/\/$/, "");
    this.headers = headers;
  }

  get(path) {
    return this.#json("GET", path);
  }

  post(path, body = {}, headers = {}) {
    return this.#json("POST", path, body, headers);
  }

  remove(path) {
    return this.#json("DELETE", path);
  }

  async text(path) {
    return (await this.#request("GET", path)).text();
  }

  /**
   * What happens in a conversation, for as long as `signal` allows.
   *
   * @param {string} conversation Its id.
   * @param {AbortSignal} signal Ends it.
   * @param {(isConnected: boolean) => void} told Called when the connection is lost or there again.
   */
  async *events(conversation, signal, told = () => {}) {
    let last = "";
    let pause = FIRST_PAUSE;
    while (!signal.aborted) {
      try {
        const headers = last ? { "Last-Event-ID": last } : {};
        const path = `/conversations/${encodeURIComponent(conversation)}/events`;
        const response = await this.#request("GET", path, undefined, headers, signal);
        told(true);
        for await (const event of parsed(response.body)) {
          pause = FIRST_PAUSE;
          last = event.id || last;
          if (event.data) yield { id: event.id, ...JSON.parse(event.data) };
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Problem && [401, 403, 404].includes(error.status)) throw error;
      }
      if (signal.aborted) return;
      told(false);
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  async #json(method, path, body, headers) {
    const response = await this.#request(method, path, body, headers);
    return response.status === 204 ? null : response.json();
  }

  async #request(method, path, body, headers = {}, signal = undefined) {
    let response;
    try {
      response = await fetch(this.base + path, {
        method,
        signal,
        headers: { ...(body ? { "Content-Type": "application/json" } : {}), ...this.headers(), ...headers },
        body: body ? JSON.stringify(body) : undefined,
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Problem(0, { detail: "The server cannot be reached." });
    }
    if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
    return response;
  }
}

/** Server-sent events of a body that is being received. */
async function* parsed(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = {};
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) {
        if (!line) {
          yield event;
          event = {};
          continue;
        }
        const [, field, text] = /^([^:]*):? ?(.*)$/s.exec(line);
        if (field === "data") event.data = event.data ? `${event.data}\n${text}` : text;
        else if (field) event[field] = text;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
