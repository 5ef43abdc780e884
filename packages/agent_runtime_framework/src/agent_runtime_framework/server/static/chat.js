/** A page that is nothing but the chat: `chat?agent=quote&heading=Acme`. */

import "./widget.js";

const wanted = new URLSearchParams(location.search);
const chat = document.createElement("agent-chat");
for (const name of ["agent", "heading", "conversation"]) {
  if (wanted.get(name)) chat.setAttribute(name, wanted.get(name));
}
const key = decodeURIComponent(location.hash.slice(1));
if (key) {
  // A fragment is never sent to a server, nor kept in its logs.
  chat.headers = () => ({ Authorization: `Bearer ${key}` });
  history.replaceState(null, "", location.pathname + location.search);
}
document.body.append(chat);
