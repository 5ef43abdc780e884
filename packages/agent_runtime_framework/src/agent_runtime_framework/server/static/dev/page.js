/** The developer page: the chat beside the journey it walks, its state, and what each turn did and why. */

import { Api } from "../api.js";
import { element } from "../fields.js";
import "../widget.js";
import { Played } from "./played.js";
import { Timeline } from "./timeline.js";

const api = new Api(new URL("../..", import.meta.url).href);
const part = (id) => document.getElementById(id);
const FINAL = new Set(["run.succeeded", "run.failed", "run.cancelled", "run.timed_out", "run.paused"]);

/** Labels of 12 pixels are read down to about 8. */
const LEAST_SCALE = 0.66;

const LOOK_AGAIN = 200;

let conversation = "";
let state = {};
let timer = 0;
const timeline = new Timeline({ api, list: part("turns"), nothing: part("nothing"), open, show });
const played = new Played({ api, place: part("played") });

/** Show a conversation; an empty id begins a new one. */
async function open(id) {
  const agent = part("agent").value;
  const fresh = element("agent-chat", { src: api.base, agent, heading: agent || "Chat" });
  if (id) fresh.setAttribute("conversation", id);
  else forget(fresh);
  fresh.addEventListener("agent-conversation", ({ detail }) => adopt(detail));
  fresh.addEventListener("agent-event", ({ detail }) => hear(detail));
  conversation = id;
  state = {};
  timeline.clear();
  part("chat").replaceChildren(fresh);
  await Promise.all([refresh(), listed()]);
}

/** A new conversation must not go on with the one this browser had. */
function forget(node) {
  try {
    localStorage.removeItem(`agent-chat:${api.base.replace(/\/$/, "")}:${node.getAttribute("agent") || ""}`);
  } catch {
    // a browser that keeps nothing has nothing to forget
  }
}

function adopt(id) {
  if (id === conversation) return;
  conversation = id;
  if (!id) timeline.clear();
  Promise.all([refresh(), listed()]);
}

function hear(event) {
  if (event.type === "run.started") part("status").textContent = "answering …";
  if (FINAL.has(event.type)) {
    part("status").textContent = "";
    listed();
  }
  if (!event.type.startsWith("assistant.")) soon(FINAL.has(event.type) ? 0 : LOOK_AGAIN);
}

/** Look again in a moment; several reasons to do so are one. */
function soon(ms) {
  clearTimeout(timer);
  timer = setTimeout(refresh, ms);
}

async function refresh() {
  const id = conversation;
  const [graph, now, turns, pending] = await Promise.all([
    drawn(id),
    id ? api.get(`${path(id)}/state`).catch(() => null) : null,
    id ? api.get(`/dev/conversations/${encodeURIComponent(id)}/turns`).catch(() => null) : null,
    id ? api.get(`${path(id)}/pending`).catch(() => null) : null,
  ]);
  if (id !== conversation) return;
  if (graph) draw(graph);
  showState(now?.state ?? {});
  showPending(pending?.calls ?? []);
  timeline.show(id, turns?.turns ?? []);
  played.show(id);
  part("save-test").disabled = !turns?.turns?.length;
  // What was begun before this page listened tells it nothing.
  if (turns?.turns?.at(-1)?.status === "running") soon(LOOK_AGAIN * 4);
}

/** The picture fits its pane unless it would be too small to read; then the current step is in view. */
function draw(graph) {
  const canvas = part("graph");
  canvas.innerHTML = graph;
  const picture = canvas.querySelector("svg");
  canvas.classList.toggle("fits", picture.height.baseVal.value * LEAST_SCALE <= canvas.clientHeight);
  canvas.querySelector(".current")?.scrollIntoView({ block: "center", inline: "center" });
}

function drawn(id) {
  const agent = encodeURIComponent(part("agent").value);
  const where = id ? `${path(id)}/graph?format=svg` : `/dev/agents/${agent}/graph`;
  return api.text(where).catch(() => "");
}

function showState(now) {
  const rows = Object.entries(flat(now)).map(([name, value]) => {
    const row = element("tr");
    if (name in state && JSON.stringify(state[name]) !== JSON.stringify(value)) row.className = "changed";
    const isUnset = value === null || value === "";
    const text = isUnset ? "not yet" : typeof value === "string" ? value : JSON.stringify(value);
    row.append(element("th", { scope: "row" }, name), element("td", isUnset ? { class: "unset" } : {}, text));
    return row;
  });
  state = flat(now);
  part("state").tBodies[0].replaceChildren(...rows);
}

/** Answers to forms beside the other fields, each under the name of its step. */
function flat({ forms = {}, ...fields }) {
  for (const [step, answers] of Object.entries(forms)) {
    for (const [name, value] of Object.entries(answers)) fields[`${step}.${name}`] = value;
  }
  return fields;
}

function showPending(calls) {
  part("pending").replaceChildren(...calls.map(waiting));
}

function waiting(call) {
  const box = element("div", { class: "wait" });
  box.append(element("h3", {}, `${call.tool ?? call.name} waits for approval`));
  box.append(element("code", {}, JSON.stringify(call.arguments ?? {})));
  if (call.reason) box.append(element("p", { class: "quiet" }, call.reason));
  const row = element("div", { class: "row" });
  for (const [verb, title] of [["approve", "Approve"], ["reject", "Reject"]]) {
    const button = element("button", { type: "button", ...(verb === "approve" ? { class: "primary" } : {}) }, title);
    button.addEventListener("click", async () => {
      const where = `${path(conversation)}/calls/${encodeURIComponent(call.call_id)}/${verb}`;
      await api.post(where, {}).catch((error) => show(error.message));
      refresh();
    });
    row.append(button);
  }
  box.append(row);
  return box;
}

async function listed() {
  const { conversations } = await api.get("/conversations?limit=50");
  const list = part("conversation");
  list.replaceChildren(element("option", { value: "" }, "New conversation"));
  for (const each of conversations) {
    list.append(element("option", { value: each.conversation_id }, titled(each)));
  }
  if (conversation && !conversations.some((each) => each.conversation_id === conversation)) {
    list.append(element("option", { value: conversation }, conversation));
  }
  list.value = conversation;
}

/** A conversation in few words; one that was given a name keeps it whole. */
function titled({ conversation_id: id, agent, turns }) {
  const name = id.replace(/^[0-9a-f]{32}/, (random) => random.slice(0, 8));
  return [name, agent, `${turns} ${turns === 1 ? "turn" : "turns"}`].filter(Boolean).join(" · ");
}

function show(text) {
  const dialog = part("shown");
  dialog.querySelector("pre").textContent = text;
  dialog.onclose = () => dialog.returnValue === "copy" && navigator.clipboard?.writeText(text);
  dialog.showModal();
}

function path(id) {
  return `/conversations/${encodeURIComponent(id)}`;
}

part("agent").addEventListener("change", () => open(""));
part("conversation").addEventListener("change", ({ target }) => open(target.value));
part("save-test").addEventListener("click", async () => {
  const { text } = await api.get(`/dev/conversations/${encodeURIComponent(conversation)}/test`).catch((error) => ({ text: error.message }));
  show(text);
});
for (const button of document.querySelectorAll(".tabs button")) {
  button.addEventListener("click", () => {
    document.body.dataset.shown = button.dataset.pane;
    for (const each of document.querySelectorAll(".tabs button")) each.setAttribute("aria-pressed", String(each === button));
  });
}
window.addEventListener("hashchange", () => location.hash.slice(1) !== conversation && open(decodeURIComponent(location.hash.slice(1))));

const { agents } = await api.get("/agents");
part("agent").append(...agents.map((each) => element("option", { value: each.key }, each.title || each.key)));
part("agent").hidden = agents.length < 2;
await open(decodeURIComponent(location.hash.slice(1)) || "");
