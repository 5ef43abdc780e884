/** What each turn did: prompts, offers, calls, refusals, moves, tokens and time; and ways to try it again. */

import { element } from "../fields.js";

export class Timeline {
  #api;
  #list;
  #nothing;
  #open;
  #show;
  #chosen = new Map(); // which turns somebody opened or closed
  #conversation = "";

  constructor({ api, list, nothing, open, show }) {
    this.#api = api;
    this.#list = list;
    this.#nothing = nothing;
    this.#open = open;
    this.#show = show;
  }

  clear() {
    this.#chosen.clear();
    this.#list.replaceChildren();
    this.#nothing.hidden = false;
  }

  /** Draw the turns, the newest first; what was opened stays open. */
  show(conversation, turns) {
    this.#conversation = conversation;
    this.#nothing.hidden = turns.length > 0;
    const isEditing = this.#list.contains(document.activeElement) && document.activeElement.matches("textarea");
    if (isEditing) return;
    const newest = turns.at(-1)?.no;
    this.#list.replaceChildren(...[...turns].reverse().map((turn) => this.#item(turn, turn.no === newest)));
  }

  #item(turn, isNewest) {
    const item = element("li");
    const details = element("details", { class: "turn" });
    details.open = this.#chosen.get(turn.no) ?? isNewest;
    const heading = summary(turn);
    heading.addEventListener("click", () => this.#chosen.set(turn.no, !details.open));
    details.append(heading, this.#inside(turn));
    item.append(details);
    return item;
  }

  #inside(turn) {
    const inside = element("div", { class: "inside" });
    inside.append(happened(turn.events || []));
    (turn.requests || []).forEach((request, at) => inside.append(this.#request(turn, request, at)));
    const actions = element("div", { class: "actions" });
    const dry = element("input", { type: "checkbox", id: `effects-${turn.no}` });
    const label = element("label", { for: dry.id, class: "quiet" }, "run effects");
    const fork = element("button", { type: "button" }, "Restart from here");
    fork.title = "Go on in a copy of the conversation as it was after this turn";
    fork.addEventListener("click", () => this.#fork({ turn: turn.no, effects: dry.checked }));
    actions.append(fork, dry, label);
    inside.append(actions);
    return inside;
  }

  #request(turn, request, at) {
    const box = element("div", { class: "request" });
    const used = (request.reply?.calls || []).map((call) => call.name);
    const figures = [request.step, tokens(request.usage), time(request.ms)].filter(Boolean).join(" · ");
    box.append(element("div", {}, `Request ${at + 1}: ${figures}`));
    if (request.tools?.length) {
      const chips = element("div", { class: "chips", "aria-label": "Offered tools" });
      for (const tool of request.tools) {
        chips.append(element("span", { class: used.includes(tool.name) ? "chip used" : "chip", title: tool.description || "" }, tool.name));
      }
      box.append(chips);
    }
    const prompt = element("details");
    prompt.append(element("summary", {}, "Prompt"));
    const text = element("textarea", { class: "prompt", "aria-label": "Prompt", spellcheck: "false" });
    text.value = request.prompt || "";
    const again = element("button", { type: "button" }, "Try this turn again with the prompt");
    again.addEventListener("click", () =>
      this.#fork({ turn: turn.no - 1, again: turn.no, effects: false, prompt: { step: request.step, text: text.value } }),
    );
    const all = element("button", { type: "button" }, "All messages");
    all.addEventListener("click", () => this.#show(JSON.stringify(request.messages, null, 2)));
    const row = element("div", { class: "row" });
    row.append(again, all);
    prompt.append(text, row);
    box.append(prompt);
    return box;
  }

  async #fork(body) {
    try {
      const where = `/dev/conversations/${encodeURIComponent(this.#conversation)}/fork`;
      const { conversation_id: id } = await this.#api.post(where, body);
      await this.#open(id);
    } catch (error) {
      this.#show(error.message);
    }
  }
}

function summary(turn) {
  const node = element("summary");
  const heading = element("div", { class: "heading" });
  const moved = turn.step_before && turn.step_after && turn.step_before !== turn.step_after;
  const where = moved ? `${turn.step_before} → ${turn.step_after}` : turn.step_after || turn.step_before || "";
  const requests = (turn.requests || []).length;
  const figures = [requests ? `${requests} ${requests === 1 ? "request" : "requests"}` : "no request", tokens(turn.usage), time(turn.ms)];
  heading.append(element("b", {}, `Turn ${turn.no}`), element("span", {}, where));
  if (turn.status && turn.status !== "answered") {
    const kind = ["running", "paused"].includes(turn.status) ? "quiet" : "trouble";
    heading.append(element("span", { class: kind }, turn.status));
  }
  heading.append(element("span", { class: "figures" }, figures.filter(Boolean).join(" · ")));
  node.append(heading);
  if (turn.heard) node.append(element("div", { class: "words" }, `“${turn.heard}”`));
  if (turn.reply) node.append(element("div", { class: "words" }, turn.reply));
  return node;
}

/** Events as lines: what was called, refused, moved. */
function happened(events) {
  const list = element("dl", { class: "happened" });
  const line = (mark, kind, text) => list.append(element("dt", { "aria-hidden": "true" }, mark), element("dd", { class: kind }, text));
  for (const { type, payload } of events) {
    if (type === "tool.call") line("▸", "", `${payload.name}(${shortened(payload.arguments)})`);
    else if (type === "tool.result") line(payload.ok === false ? "✗" : "✓", payload.ok === false ? "refused" : "ran", `${payload.name}: ${payload.result}`);
    else if (type === "tool.refused") line("⊘", "refused", `${payload.name} refused: ${payload.reason}`);
    else if (type === "step.entered") line("→", "moved", payload.previous ? `${payload.previous} → ${payload.step}` : payload.step);
    else if (type === "run.paused") line("⏸", "moved", `${payload.name} waits: ${payload.reason || "a person must approve"}`);
    else if (type === "run.failed") line("✗", "refused", `${payload.error_type}: ${payload.error}`);
  }
  return list;
}

function shortened(given) {
  const text = typeof given === "string" ? given : JSON.stringify(given ?? {});
  const inner = text.startsWith("{") ? text.slice(1, -1) : text;
  return inner.length > 160 ? `${inner.slice(0, 160)}…` : inner;
}

function tokens(usage) {
  const total = usage?.total_tokens ?? (usage ? (usage.prompt_tokens || 0) + (usage.completion_tokens || 0) : 0);
  return total ? `${total} tokens` : "";
}

function time(ms) {
  if (ms === undefined || ms === null) return "";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
