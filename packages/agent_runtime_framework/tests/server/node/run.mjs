// Holds a conversation as an AG-UI front end does, and prints what it has seen: one JSON object for each run.
// usage: node run.mjs URL KEY THREAD [MESSAGE | {"messages": [...]} | {"resume": [...]}]...

import { HttpAgent } from "@ag-ui/client";

const [url, key, threadId, ...said] = process.argv.slice(2);
const headers = key ? { Authorization: `Bearer ${key}` } : {};
const agent = new HttpAgent({ url, threadId, headers });

for (const [at, each] of said.entries()) {
  const events = [];
  const wanted = each.startsWith("{") ? JSON.parse(each) : { text: each };
  if (wanted.messages) agent.setMessages(wanted.messages);
  if (wanted.text) agent.addMessage({ id: `m${at + 1}`, role: "user", content: wanted.text });
  const run = { runId: `r${at + 1}`, ...(wanted.resume ? { resume: wanted.resume } : {}) };
  let error = null;
  try {
    await agent.runAgent(run, { onEvent: ({ event }) => void events.push(event) });
  } catch (failure) {
    error = String(failure.message ?? failure);
  }
  console.log(JSON.stringify({ events, messages: agent.messages, state: agent.state, error }));
}
