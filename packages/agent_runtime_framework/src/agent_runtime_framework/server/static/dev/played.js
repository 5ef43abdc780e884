/** Playing the model yourself: what it is asked comes here, and what you write is its reply. */

import { element } from "../fields.js";

const LOOK_EVERY = 700;

export class Played {
  #api;
  #place;
  #conversation = "";
  #timer = 0;
  #ask = null;
  #box;
  #switch;

  constructor({ api, place }) {
    this.#api = api;
    this.#place = place;
    this.#switch = element("input", { type: "checkbox", id: "play" });
    const label = element("label", { for: "play" }, " Play the model yourself");
    const row = element("div");
    row.append(this.#switch, label);
    this.#box = element("div", { "aria-live": "polite" });
    place.append(row, this.#box);
    this.#switch.addEventListener("change", () => this.#set(this.#switch.checked));
  }

  async show(conversation) {
    if (conversation === this.#conversation) return;
    this.#conversation = conversation;
    this.#draw(null);
    if (this.#switch.checked) await this.#set(true);
  }

  async #set(isOn) {
    clearInterval(this.#timer);
    await this.#api.post("/dev/model", { played: isOn }).catch(() => {});
    if (isOn) this.#timer = setInterval(() => this.#look(), LOOK_EVERY);
    else this.#draw(null);
  }

  async #look() {
    if (document.hidden) return;
    const { asks } = await this.#api.get("/dev/model").catch(() => ({ asks: [] }));
    const ask = asks.find((each) => each.conversation_id === this.#conversation) ?? asks[0] ?? null;
    if (ask?.id !== this.#ask?.id) this.#draw(ask);
  }

  #draw(ask) {
    this.#ask = ask;
    this.#box.replaceChildren();
    if (!ask) return;
    const form = element("form", { class: "ask" });
    form.append(element("h3", {}, ask.step ? `The model is asked, in ${ask.step}` : "The model is asked"));
    const tool = element("select", { "aria-label": "Tool" });
    tool.append(element("option", { value: "" }, ask.requires_call ? "Choose a tool" : "Say it in words"));
    for (const each of ask.tools) tool.append(element("option", { value: each.name }, each.name));
    const words = element("textarea", { "aria-label": "Reply", placeholder: "What the model says" });
    tool.addEventListener("change", () => {
      const chosen = ask.tools.find((each) => each.name === tool.value);
      words.placeholder = chosen ? "Arguments, as JSON" : "What the model says";
      words.value = chosen ? JSON.stringify(blank(chosen.parameters), null, 2) : "";
    });
    const trouble = element("p", { class: "trouble", role: "alert", hidden: "" });
    const send = element("button", { type: "submit", class: "primary" }, "Reply as the model");
    const row = element("div", { class: "row" });
    row.append(tool, send);
    form.append(words, row, trouble);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const reply = tool.value ? { calls: [{ name: tool.value, arguments: words.value || "{}" }] } : { text: words.value };
      try {
        await this.#api.post(`/dev/model/${ask.id}`, reply);
        this.#draw(null);
      } catch (error) {
        trouble.textContent = error.message;
        trouble.hidden = false;
      }
    });
    this.#box.append(form);
    words.focus();
  }
}

function blank(schema) {
  const names = Object.keys(schema?.properties || {});
  return Object.fromEntries(names.map((name) => [name, schema.properties[name].default ?? (schema.properties[name].enum || [""])[0]]));
}
