/** How the widget looks. A page may set the custom properties of `:host` on the element. */

export const look = new CSSStyleSheet();
look.replaceSync(`
:host {
  --accent: #1d4ed8; --on-accent: #ffffff; --paper: #ffffff; --ink: #0f172a; --soft: #526077; --rim: #d5dde8;
  --bubble: #f1f5f9; --trouble: #b42318; --radius: 14px;
  color-scheme: light dark;
  display: flex; flex-direction: column; box-sizing: border-box; min-height: 0; height: 100%;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  color: var(--ink); background: var(--paper);
}
@media (prefers-color-scheme: dark) {
  :host { --accent: #60a5fa; --on-accent: #06102a; --paper: #0f172a; --ink: #e8eef6; --soft: #a3b1c6; --rim: #334155;
    --bubble: #1e293b; --trouble: #fda29b; }
}
:host([hidden]) { display: none; }
*, *::before { box-sizing: border-box; }
button, textarea, input, select { font: inherit; color: inherit; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

header { display: flex; align-items: center; gap: .5rem; padding: .6rem .9rem; border-bottom: 1px solid var(--rim); }
header h2 { flex: 1; margin: 0; font-size: 1rem; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
header button { border: 0; background: none; padding: .35rem .55rem; border-radius: 8px; color: var(--soft); cursor: pointer; }
header button:hover { background: var(--bubble); color: var(--ink); }

.log { flex: 1; min-height: 0; overflow-y: auto; padding: 1rem .9rem; display: flex; flex-direction: column; gap: .55rem;
  overscroll-behavior: contain; }
.log:empty::before { content: "Say hello to begin."; color: var(--soft); margin: auto; }
.log .message { max-width: min(85%, 38rem); padding: .5rem .85rem; border-radius: var(--radius); white-space: pre-wrap;
  overflow-wrap: anywhere; margin: 0; }
.log .assistant { align-self: flex-start; background: var(--bubble); border-bottom-left-radius: 4px; }
.log .user { align-self: flex-end; background: var(--accent); color: var(--on-accent); border-bottom-right-radius: 4px; }
.log .note { align-self: center; color: var(--soft); font-size: .85rem; padding: .1rem .6rem; text-align: center; }
.log .trouble { align-self: center; color: var(--trouble); font-size: .9rem; text-align: center; }
.log .waiting { display: inline-flex; gap: .3rem; padding: .8rem .9rem; }
.log .waiting i { width: .4rem; height: .4rem; border-radius: 50%; background: var(--soft); animation: pulse 1.2s infinite; }
.log .waiting i:nth-child(2) { animation-delay: .2s; }
.log .waiting i:nth-child(3) { animation-delay: .4s; }
@keyframes pulse { 0%, 60%, 100% { opacity: .25; } 30% { opacity: 1; } }
@media (prefers-reduced-motion: reduce) { .log .waiting i { animation: none; opacity: .6; } }

.controls { padding: 0 .9rem; max-height: 45%; overflow-y: auto; }
.controls:empty { display: none; }
.choices { display: flex; flex-wrap: wrap; gap: .45rem; padding-bottom: .6rem; }
.choices button { border: 1px solid var(--accent); color: var(--accent); background: none; border-radius: 999px;
  padding: .35rem .9rem; cursor: pointer; }
.choices button:hover { background: var(--accent); color: var(--on-accent); }
details { border: 1px solid var(--rim); border-radius: 10px; margin-bottom: .6rem; }
summary { padding: .45rem .8rem; cursor: pointer; color: var(--soft); font-size: .9rem; }
.fields { display: grid; gap: .7rem; padding: .2rem .8rem .8rem; }
.field { display: grid; gap: .2rem; }
.field label { font-size: .9rem; font-weight: 600; }
.field label::first-letter { text-transform: uppercase; }
.field small { color: var(--soft); }
.field input, .field select { padding: .45rem .6rem; border: 1px solid var(--rim); border-radius: 8px; background: var(--paper);
  width: 100%; }
.fields .trouble { color: var(--trouble); margin: 0; }
.primary { background: var(--accent); color: var(--on-accent); border: 0; border-radius: 10px; padding: .5rem .95rem;
  cursor: pointer; font-weight: 600; justify-self: start; }
.primary:disabled { opacity: .5; cursor: default; }

.composer { display: flex; align-items: flex-end; gap: .5rem; padding: .6rem .9rem .8rem; border-top: 1px solid var(--rim); }
.composer textarea { flex: 1; resize: none; max-height: 9rem; padding: .5rem .7rem; border: 1px solid var(--rim);
  border-radius: 10px; background: var(--paper); field-sizing: content; }
.connection { text-align: center; font-size: .85rem; color: var(--trouble); padding: .25rem; }
.connection[hidden], .log [hidden], .fields [hidden] { display: none; }

:host([floating]) { height: auto; background: none; position: fixed; inset: auto 1rem 1rem auto; z-index: 2147483000; align-items: flex-end; }
:host([floating]) .frame { width: min(24rem, calc(100vw - 2rem)); height: min(38rem, calc(100dvh - 6rem)); border-radius: 16px;
  box-shadow: 0 12px 40px rgb(15 23 42 / .28); border: 1px solid var(--rim); overflow: hidden; margin-bottom: .7rem; }
.frame { display: flex; flex-direction: column; flex: 1; min-height: 0; background: var(--paper); }
.frame[hidden] { display: none; }
.launcher { width: 3.4rem; height: 3.4rem; border-radius: 50%; border: 0; background: var(--accent); color: var(--on-accent);
  box-shadow: 0 6px 20px rgb(15 23 42 / .3); cursor: pointer; display: grid; place-items: center; }
.launcher svg { width: 1.5rem; height: 1.5rem; }
@media (max-width: 30rem) {
  :host([floating]:not([closed])) { inset: 0; align-items: stretch; }
  :host([floating]:not([closed])) .frame { width: 100%; height: 100dvh; border-radius: 0; border: 0; margin: 0; }
  :host([floating]:not([closed])) .launcher { display: none; }
}
`);
