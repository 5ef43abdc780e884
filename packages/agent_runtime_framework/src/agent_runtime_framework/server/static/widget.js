/**
 * `<agent-chat>`: a conversation on any page, from one script tag.
 *
 *     <script type="module" src="https://example.com/agents/static/widget.js"></script>
 *     <agent-chat agent="quote" heading="Acme quotes" floating></agent-chat>
 *
 * Attributes: `agent`, who answers; `heading`; `src`, where the app is mounted (by default where this script came
 * from); `conversation`, an id to go on with (by default the one this browser had); `floating`, a button that opens it.
 * A page that needs an API key sets `element.headers = () => ({ Authorization: "Bearer …" })` before it is attached.
 *
 * What the page shows is a preview while a turn runs; afterwards it is what the server kept. So a reload, a second tab
 * and a lost connection all end with the same conversation.
 */

import { Api, Problem } from "./api.js";
import { choicesOf, element, fieldsOf, wordFor } from "./fields.js";
import { look } from "./look.js";

const BUBBLE = '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" aria-hidden="true"><path d="M4 5h16v11H9l-5 4z"/></svg>';
const FINAL = new Set(["run.succeeded", "run.failed", "run.cancelled", "run.timed_out"]);

export class AgentChat extends HTMLElement {
  headers = () => ({});
  #api;
  #parts;
  #reading = null;
  #live = null;
  #isBusy = false;
  #hasCalled = false;
  #sent = new Set(); // the ids of the messages of this page
  #drafts = new Map(); // what was said here and is not yet in the history: true once the server has it

  connectedCallback() {
    if (this.#reading) return;
    this.#api = new Api(this.getAttribute("src") || new URL("..", import.meta.url).href, () => this.headers());
    this.#parts ??= this.#build();
    this.#reading = new AbortController();
    if (this.hasAttribute("floating")) this.#open(false);
    else this.start();
  }

  disconnectedCallback() {
    this.#reading?.abort();
    this.#reading = null;
  }

  /** The conversation's id; empty before there is one. */
  get conversation() {
    return this.getAttribute("conversation") || this.#remembered || "";
  }

  /** Show a conversation, or the one this browser had; an unknown one begins with the first message. */
  async start(conversation = this.conversation) {
    this.#reading?.abort();
    this.#reading = new AbortController();
    this.#remember(conversation);
    this.#parts.log.replaceChildren();
    this.#parts.controls.replaceChildren();
    this.#idle();
    if (!conversation) return;
    try {
      await this.#agree();
      this.#follow(conversation, this.#reading.signal);
    } catch (error) {
      if (error instanceof Problem && error.status === 404) this.#remember("");
      else this.#complain(error);
    }
  }

  /** Say something. */
  async send(text) {
    const words = text.trim();
    if (!words) return;
    const draft = this.#show("user", words);
    this.#drafts.set(draft, false);
    this.#parts.controls.replaceChildren();
    this.#wait();
    const message = key();
    this.#sent.add(message);
    await this.#deliver(draft, (id) =>
      this.#api.post(`${this.#path(id)}/messages`, { text: words, wait: false, ...this.#agent }, { "Idempotency-Key": message }),
    );
  }

  async #deliver(draft, post) {
    try {
      await post(await this.#begun());
      this.#drafts.set(draft, true);
      await this.#agree();
    } catch (error) {
      this.#drafts.delete(draft);
      draft.remove();
      this.#idle();
      this.#complain(error);
    }
  }

  async #begun() {
    if (this.conversation) return this.conversation;
    const { conversation_id: id } = await this.#api.post("/conversations", this.#agent);
    this.#remember(id);
    this.#follow(id, this.#reading.signal);
    return id;
  }

  async #follow(conversation, signal) {
    try {
      const told = (isConnected) => {
        this.#parts.connection.hidden = isConnected;
        if (isConnected) this.#agree().catch(() => {});
      };
      for await (const event of this.#api.events(conversation, signal, told)) this.#hear(event);
    } catch (error) {
      if (!signal.aborted) this.#complain(error);
    }
  }

  #hear(event) {
    this.dispatchEvent(new CustomEvent("agent-event", { detail: event, bubbles: true, composed: true }));
    const { type, payload } = event;
    if (type === "run.started") this.#begin(payload);
    else if (type === "assistant.delta") this.#append(payload.delta);
    else if (type === "tool.call") this.#hasCalled = true;
    else if (type === "assistant.reset") this.#preview(() => payload.text || "");
    else if (type === "assistant.message") this.#settle(payload.content);
    else if (FINAL.has(type) || type === "run.paused" || type === "message.accepted") {
      this.#agree().catch((error) => this.#complain(error));
    }
  }

  /** A turn begins: what was said elsewhere, in another tab or before a reload, is shown like what was said here. */
  #begin({ message_ids: ids, heard = [] }) {
    if (ids && !ids.some((id) => this.#sent.has(id))) {
      for (const each of heard) if (textOf(each)) this.#drafts.set(this.#show("user", textOf(each)), true);
    }
    this.#wait();
  }

  /** Show what the server kept, and what it would take now. */
  async #agree() {
    const id = this.conversation;
    if (!id) return;
    const { messages, is_busy: isBusy } = await this.#api.get(`${this.#path(id)}/history?limit=200`);
    const spoken = messages.filter((each) => ["user", "assistant"].includes(each.role) && textOf(each));
    const { log } = this.#parts;
    const shown = [...log.querySelectorAll(".message:not(.waiting)")];
    const same = (node, each) => node && node.classList.contains(each.role) && node.textContent === textOf(each);
    let at = 0;
    while (at < spoken.length && same(shown[at], spoken[at])) this.#drafts.delete(shown[at++]);
    // A message that is not kept as it was said, because part of it is secret, is there in other words.
    if (!isBusy) this.#drafts.forEach((isPosted, node) => isPosted && this.#drafts.delete(node));
    const isPreview = (node) => this.#drafts.has(node) || (isBusy && node === this.#live);
    const extra = shown.slice(at).filter((node) => !isPreview(node));
    extra.forEach((node) => node.remove());
    const next = shown.slice(at).find(isPreview) || null;
    for (const each of spoken.slice(at)) log.insertBefore(bubble(each.role, textOf(each)), next);
    if (!isBusy && !this.#drafts.size) {
      this.#idle();
      await this.#offer(id);
    }
    this.#scroll();
  }

  async #offer(id) {
    const { controls } = this.#parts;
    const form = await this.#api.get(`${this.#path(id)}/form`).catch(() => null);
    controls.replaceChildren();
    if (!form?.schema || this.#isBusy) return;
    const submit = async (values) => {
      await this.#api.post(`${this.#path(id)}/form`, { values });
      controls.replaceChildren();
      await this.#agree();
    };
    const only = form.open ? { ...form.schema, properties: pick(form.schema.properties, form.open) } : form.schema;
    const choice = choicesOf(only);
    if (choice) {
      const row = element("div", { class: "choices", role: "group", "aria-label": "Answers" });
      for (const each of choice.choices) {
        const button = element("button", { type: "button" }, wordFor(each));
        button.addEventListener("click", () => this.send(wordFor(each)));
        row.append(button);
      }
      controls.append(row);
    }
    if (Object.keys(form.schema.properties || {}).length) {
      const details = element("details");
      details.append(element("summary", {}, "Fill in the form instead"), fieldsOf(form.schema, form.values || {}, submit));
      controls.append(details);
    }
  }

  #wait() {
    this.#isBusy = true;
    this.#parts.log.setAttribute("aria-busy", "true");
    if (!this.#live) {
      this.#live = bubble("assistant", "");
      this.#live.classList.add("waiting");
      this.#live.append(element("i"), element("i"), element("i"), element("span", { class: "visually-hidden" }, "is writing"));
    }
    this.#parts.log.append(this.#live);
    this.#scroll();
  }

  #preview(change) {
    this.#wait();
    const text = change(this.#live.classList.contains("waiting") ? "" : this.#live.textContent);
    if (!text && this.#live.classList.contains("waiting")) return;
    this.#live.classList.remove("waiting");
    this.#live.textContent = text;
    this.#scroll();
  }

  #append(delta) {
    // What is said after a call is a paragraph of its own.
    const gap = this.#hasCalled ? "\n\n" : "";
    this.#hasCalled = false;
    this.#preview((text) => (text && gap && !text.endsWith("\n") ? text + gap : text) + delta);
  }

  #settle(text) {
    if (!text) return;
    this.#preview(() => text);
    this.#live = null;
  }

  #idle() {
    this.#isBusy = false;
    this.#parts.log.removeAttribute("aria-busy");
    for (const node of this.#parts.log.querySelectorAll(".waiting")) node.remove();
    this.#live = null;
  }

  #show(role, text) {
    const node = bubble(role, text);
    this.#parts.log.append(node);
    this.#scroll();
    return node;
  }

  #complain(error) {
    this.#parts.log.append(element("p", { class: "trouble", role: "alert" }, error.message));
    this.#scroll();
  }

  #scroll() {
    const { log } = this.#parts;
    log.scrollTop = log.scrollHeight;
  }

  #open(isOpen) {
    const { frame, input, launcher } = this.#parts;
    frame.hidden = !isOpen;
    this.toggleAttribute("closed", !isOpen);
    launcher.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    input.focus();
    if (!this.#parts.log.childElementCount) this.start();
  }

  get #agent() {
    const agent = this.getAttribute("agent");
    return agent ? { agent } : {};
  }

  get #place() {
    return `agent-chat:${this.#api.base}:${this.getAttribute("agent") || ""}`;
  }

  get #remembered() {
    try {
      return localStorage.getItem(this.#place);
    } catch {
      return null; // a browser that keeps nothing still holds a conversation
    }
  }

  #remember(id) {
    if (id) this.setAttribute("conversation", id);
    else this.removeAttribute("conversation");
    try {
      if (id) localStorage.setItem(this.#place, id);
      else localStorage.removeItem(this.#place);
    } catch {
      // as above
    }
    this.dispatchEvent(new CustomEvent("agent-conversation", { detail: id, bubbles: true, composed: true }));
  }

  #path(id) {
    return `/conversations/${encodeURIComponent(id)}`;
  }

  #build() {
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [look];
    const heading = this.getAttribute("heading") || "Chat";
    const frame = element("section", { class: "frame", "aria-label": heading });
    const header = element("header");
    header.append(element("h2", {}, heading));
    const again = element("button", { type: "button", title: "Begin a new conversation" }, "New");
    again.addEventListener("click", () => this.start(""));
    header.append(again);
    const connection = element("div", { class: "connection", role: "status", hidden: "" }, "Connection lost; trying again …");
    const log = element("div", { class: "log", role: "log", "aria-label": "Conversation", tabindex: "0" });
    const controls = element("div", { class: "controls" });
    const composer = element("form", { class: "composer" });
    const label = element("label", { class: "visually-hidden", for: "words" }, "Your message");
    const input = element("textarea", { id: "words", rows: "1", placeholder: "Write a message", enterkeyhint: "send", maxlength: "20000" });
    const send = element("button", { type: "submit", class: "primary" }, "Send");
    composer.append(label, input, send);
    composer.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = input.value;
      input.value = "";
      this.send(text);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      composer.requestSubmit();
    });
    frame.append(header, connection, log, controls, composer);
    const launcher = element("button", { type: "button", class: "launcher", "aria-label": `Open ${heading}` });
    launcher.innerHTML = BUBBLE;
    launcher.addEventListener("click", () => this.#open(frame.hidden));
    root.append(frame);
    if (this.hasAttribute("floating")) {
      const close = element("button", { type: "button", "aria-label": "Close" }, "✕");
      close.addEventListener("click", () => {
        this.#open(false);
        launcher.focus();
      });
      header.append(close);
      frame.addEventListener("keydown", (event) => event.key === "Escape" && close.click());
      root.append(launcher);
    }
    return { frame, log, controls, input, connection, launcher };
  }
}

function bubble(role, text) {
  return element("p", { class: `message ${role}` }, text);
}

function textOf(message) {
  if (typeof message.content === "string") return message.content;
  if (!Array.isArray(message.content)) return "";
  return message.content.map((block) => block.text || "").join("");
}

function pick(properties, name) {
  return properties?.[name] ? { [name]: properties[name] } : {};
}

function key() {
  // Not every page that is served without TLS has randomUUID.
  return crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (each) => each.toString(16)).join("");
}

customElements.define("agent-chat", AgentChat);
