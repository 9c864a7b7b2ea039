"use strict";
/* The status page: a mirror of the live stream. It shows what the server said and counts
   seconds; it decides nothing. */

const $ = (id) => document.getElementById(id);
const FIRST_RETRY_MS = 500, MOST_RETRY_MS = 10000, SAY_EVERY_MS = 10000, MOST_EVENTS = 60;
const LONG_WAIT_MS = 60000, TOO_LONG_WAIT_MS = 180000;
const TONES = {
  "ready": "good", "reserved": "warn", "connected": "busy", "consulting": "busy", "not-ready": "bad",
  "queued": "warn", "offered": "warn", "active": "good", "degraded": "warn", "one-way": "warn",
  "down": "bad",
};
const WAITING = new Set(["queued", "offered"]);
const QUIET = new Set(["interaction.flow-advanced"]); /* too frequent to read */

const live = {
  queues: new Map(), agents: new Map(), interactions: new Map(), trunks: new Map(),
  alarms: [], events: [], generation: null, sequence: null, health: null,
};
let language = "en", socket = null, retryMs = FIRST_RETRY_MS, clockOffsetMs = 0;
let linkState = "connecting", saidAt = 0, lastSaid = "", refusal = "";

/* ---------------------------------------------------------------- words */
function t(name) { return CATALOGUE[language][name] ?? CATALOGUE.en[name]; }
function word(kind, value) { return t(`${kind}.${value}`) ?? value.replaceAll("-", " "); }

function choose(name) {
  language = name in CATALOGUE ? name : "en";
  document.documentElement.lang = language;
  try { localStorage.setItem("centralino.language", language); } catch { /* private window */ }
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]"))
    element.setAttribute("aria-label", t(element.dataset.tLabel));
  for (const button of document.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  $("sign-in").href = `/v1/sign-in?to=/&language=${language}`;
  $("refused").hidden = !refusal;
  put($("refused"), refusal ? t(`refused.${refusal}`) : "");
  showLink(linkState);
  draw();
}

function length(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${hours ? two(Math.floor(seconds / 60) % 60) : Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}
const now = () => Date.now() + clockOffsetMs;
const since = (text) => (text === null ? "–" : length(now() - Date.parse(text)));
const clock = (text) => new Date(text).toLocaleTimeString(language, { hour12: false });

/* ------------------------------------------------------------- drawing */
function put(element, text) { if (element.textContent !== text) element.textContent = text; }

/** Make the rows of a table body what `rows` says: [[key, [cell, ...]], ...]. */
function fill(body, rows) {
  const wanted = new Set(rows.map(([name]) => name));
  for (const row of [...body.children]) if (!wanted.has(row.dataset.key)) row.remove();
  const known = new Map([...body.children].map((row) => [row.dataset.key, row]));
  let place = body.firstElementChild;
  for (const [name, cells] of rows) {
    let row = known.get(name);
    if (row === undefined) {
      row = document.createElement("tr");
      row.dataset.key = name;
      if (body.dataset.drawn) row.className = "new";
      cells.forEach((cell, index) => {
        const made = document.createElement(index === 0 ? "th" : "td");
        if (index === 0) made.scope = "row";
        row.append(made);
      });
    }
    if (row !== place) body.insertBefore(row, place); else place = place.nextElementSibling;
    cells.forEach((cell, index) => set(row.children[index], cell));
  }
  body.dataset.drawn = "yes";
}

function set(element, { text, kind = "", tone = "", small = "", detail = null }) {
  if (element.className !== kind) element.className = kind;
  if (detail !== null) {
    if (element.children.length === 0) {
      element.append(document.createElement("span"), document.createElement("small"));
      element.children[1].className = "detail";
    }
    put(element.children[0], text);
    put(element.children[1], detail);
    return;
  }
  if (!tone && !small) { put(element, text); return; }
  let dot = element.querySelector(".dot");
  if (dot === null) {
    element.textContent = "";
    dot = document.createElement("span");
    dot.className = "dot";
    dot.append(document.createElement("span"), document.createElement("small"));
    element.append(dot);
  }
  dot.dataset.tone = tone || "idle";
  put(dot.children[0], text);
  put(dot.children[1], small ? ` ${small}` : "");
}

const plain = (text, kind = "") => ({ text, kind });
const figure = (text, kind = "") => ({ text, kind: `number ${kind}`.trim() });
const stage = (words, value, small = "") => ({ text: word(words, value), tone: TONES[value] ?? "idle", small });
const nameOf = (map, id) => (id === null ? "" : map.get(id)?.name ?? id);

function draw() {
  drawQueues();
  drawCalls();
  drawAgents();
  fill($("trunks"), [...live.trunks.values()].map((one) => [one.id, [
    plain(one.id), stage("trunk", one.state, one.reason), figure(since(one.since)),
  ]]));
  drawEvents();
  drawAlarms();
}

function drawQueues() {
  const queues = [...live.queues.values()];
  const waiting = queues.reduce((sum, queue) => sum + queue.waiting, 0);
  const oldest = queues.map((queue) => queue.waiting_since).filter((at) => at !== null).sort()[0];
  const longestMs = oldest === undefined ? 0 : now() - Date.parse(oldest);
  put($("t-waiting"), String(waiting));
  put($("t-longest"), length(longestMs));
  $("t-longest").dataset.level = longestMs > TOO_LONG_WAIT_MS ? "bad" : longestMs > LONG_WAIT_MS ? "warn" : "";
  put($("t-talking"), String(queues.reduce((sum, queue) => sum + queue.talking, 0)));
  fill($("queues"), queues.map((queue) => {
    const ready = queue.agents_by_state["ready"] ?? 0;
    return [queue.id, [
      plain(queue.name), figure(String(queue.waiting)),
      figure(queue.waiting_since === null ? "–" : since(queue.waiting_since)),
      figure(String(queue.talking)),
      figure(t("free.of").replace("{free}", ready).replace("{all}", queue.agents.length)),
    ]];
  }));
}

function noteOf(call) {
  if (call.consult)
    return t("consult").replace("{who}", nameOf(live.agents, call.consult.colleague) || call.consult.number);
  return call.missed_offers ? t("missed").replace("{n}", call.missed_offers) : "";
}

function drawCalls() {
  const calls = [...live.interactions.values()].sort((a, b) => a.arrived_at.localeCompare(b.arrived_at));
  put($("n-calls"), String(calls.length));
  $("no-calls").hidden = calls.length > 0;
  fill($("calls"), calls.map((call) => [call.id, [
    { text: call.caller_number ?? t("anonymous"), kind: "nowrap",
      detail: [nameOf(live.queues, call.queue), nameOf(live.agents, call.agent)].filter(Boolean).join(" · ") },
    stage("interaction", call.state, noteOf(call)),
    figure(since(WAITING.has(call.state) && call.enqueued_at ? call.enqueued_at : call.since)),
    plain(nameOf(live.queues, call.queue), "wide"),
    plain(nameOf(live.agents, call.agent), "wide"),
    figure(since(call.arrived_at), "wide soft"),
  ]]));
}

function drawAgents() {
  const agents = [...live.agents.values()];
  const ready = agents.filter((agent) => agent.state === "ready").length;
  put($("n-agents"), String(agents.length));
  put($("t-free"), t("free.of").replace("{free}", ready).replace("{all}", agents.length));
  fill($("agents"), agents.map((agent) => [agent.id, [
    plain(agent.name),
    stage("agent", agent.state, agent.reason ? word("reason", agent.reason) : ""),
    figure(since(agent.since)),
    plain(agent.queues.map((id) => nameOf(live.queues, id)).join(", "), "wide soft"),
  ]]));
}

function drawEvents() {
  const list = $("events");
  const wanted = live.events.filter((event) => !QUIET.has(event.type)).reverse();
  const mark = `${language}/${wanted.length ? wanted[0].sequence : 0}/${wanted.length}/${live.agents.size}`;
  if (list.dataset.mark === mark) return;
  list.dataset.mark = mark;
  list.replaceChildren(...wanted.map((event) => {
    const item = document.createElement("li");
    const time = document.createElement("time");
    const text = document.createElement("span");
    time.dateTime = event.at;
    time.textContent = clock(event.at);
    const about = [nameOf(live.agents, event.agent), nameOf(live.queues, event.queue),
      event.reason ? word("reason", event.reason) : ""].filter(Boolean).join(", ");
    text.textContent = word("event", event.type) + (about ? ` – ${about}` : "");
    item.append(time, text);
    return item;
  }));
}

function drawAlarms() {
  $("alarms").hidden = live.alarms.length === 0;
  const mark = JSON.stringify(live.alarms);
  const list = $("alarms").querySelector("ul");
  if (list.dataset.mark === mark) return;
  list.dataset.mark = mark;
  list.replaceChildren(...live.alarms.map((alarm) => {
    const item = document.createElement("li");
    item.textContent = [alarm.about, alarm.text || alarm.code].filter(Boolean).join(": ");
    return item;
  }));
}

/* Screen readers hear a summary, not every second of every row. */
function say() {
  const queues = [...live.queues.values()];
  const parts = queues.map((queue) => t("say.queue").replace("{queue}", queue.name)
    .replace("{waiting}", queue.waiting).replace("{free}", queue.agents_by_state["ready"] ?? 0));
  const text = parts.join(" ");
  if (text !== lastSaid && Date.now() - saidAt > SAY_EVERY_MS) {
    lastSaid = text;
    saidAt = Date.now();
    put($("said"), text);
  }
}

function showLink(state) {
  linkState = state;
  $("link").dataset.state = state;
  put($("link"), t(`link.${state}`));
}

/* ------------------------------------------------------------- hearing */
const KINDS = ["queues", "agents", "interactions", "trunks"];

function hear(message) {
  if (message.type === "snapshot") {
    const state = message.state;
    clockOffsetMs = Date.parse(state.at) - Date.now();
    put($("name"), state.name || "Centralino");
    document.title = `${state.name} – Centralino`;
    for (const kind of KINDS) live[kind] = new Map(state[kind].map((one) => [one.id, one]));
    live.alarms = state.alarms;
    live.events = state.events;
    live.generation = state.generation;
    live.sequence = state.sequence;
    takeHealth(state.health);
  } else if (message.type === "delta") {
    clockOffsetMs = Date.parse(message.at) - Date.now();
    for (const kind of KINDS) {
      for (const id of message[`gone_${kind}`]) live[kind].delete(id);
      for (const one of message[kind]) live[kind].set(one.id, one);
    }
    if (message.alarms !== null) live.alarms = message.alarms;
    live.events = [...live.events, ...message.events].slice(-2 * MOST_EVENTS);
    live.generation = message.generation;
    live.sequence = message.sequence;
  } else if (message.type === "health") {
    takeHealth(message.health);
  }
  $("board").hidden = live.generation === null;
  draw();
  say();
}

function takeHealth(health) {
  live.health = health;
  if (!health.is_exchange_linked) showLink("away");
  else if (!health.is_journal_writable) showLink("journal");
  else if (!health.is_voice_attached) showLink("voice");
  else showLink("live");
}

function connect() {
  showLink("connecting");
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const mine = socket = new WebSocket(`${scheme}://${location.host}/v1/live/stream`);
  mine.onopen = () => {
    $("door").hidden = true;
    mine.send(JSON.stringify({ type: "start", generation: live.generation, sequence: live.sequence }));
  };
  mine.onmessage = (event) => {
    if (mine !== socket) return;
    retryMs = FIRST_RETRY_MS;
    hear(JSON.parse(event.data));
  };
  mine.onclose = (event) => {
    if (mine !== socket) return;
    if (event.code === 4401) { ask("over"); return; }
    showLink("lost");
    setTimeout(connect, retryMs * (0.75 + Math.random() / 2));
    retryMs = Math.min(retryMs * 2, MOST_RETRY_MS);
  };
}

/* ------------------------------------------------------------- sign-in */
const REASONS = new Set(["sign-in-failed", "not-allowed", "remote-unavailable", "remote-timeout"]);

function ask(state) {
  showLink(state);
  $("board").hidden = true;
  $("me").hidden = true;
  $("door").hidden = false;
  $("sign-in").focus();
}

function showRefusal() {
  const code = new URLSearchParams(location.search).get("refused");
  if (code === null) return;
  refusal = REASONS.has(code) ? code : "other";
  history.replaceState(null, "", location.pathname);
}

/** The session is in a cookie that scripts cannot read; the server says whose it is. */
async function enter() {
  try {
    const answer = await fetch("/v1/session", { headers: { accept: "application/json" } });
    if (answer.status === 401 || answer.status === 403) { ask("door"); return; }
    if (answer.ok) {
      const me = await answer.json();
      put($("who"), me.name || me.subject);
      $("me").hidden = false;
    }
  } catch { /* the stream says that the connection is lost, and tries again */ }
  connect();
}

async function leave() {
  await fetch("/v1/session", { method: "DELETE", headers: { "x-centralino-request": "1" } });
  location.reload();
}

function recall(store, name) { try { return store.getItem(name) ?? ""; } catch { return ""; } }

function begin() {
  for (const button of document.querySelectorAll("[data-language]"))
    button.addEventListener("click", () => choose(button.dataset.language));
  $("sign-out").addEventListener("click", leave);
  showRefusal();
  choose(recall(localStorage, "centralino.language") || navigator.language.slice(0, 2));
  enter();
  setInterval(draw, 1000);
}
begin();
