"use strict";
/* The tenant page: shows what the simulator says, and presses buttons for its people. It decides
   nothing; after every press the simulator tells what became of it. */

const $ = (id) => document.getElementById(id);
const TONES = {
  Available: "good", AvailableIdle: "good", Busy: "busy", BusyIdle: "busy", DoNotDisturb: "busy",
  Away: "warn", BeRightBack: "warn", Offline: "off", PresenceUnknown: "off",
};
const CHOICES = [
  ["Available", "Available"], ["Busy", "Busy"], ["DoNotDisturb", "DoNotDisturb"],
  ["BeRightBack", "BeRightBack"], ["Away", "Away"], ["Offline", "OffWork"],
];
const CLIENTS = ["active", "idle", "away", "sign-out"];
const PROBLEM_MS = 8000;

let language = "en", state = null, source = null, linkState = "connecting", problemTimer = 0;
let tenantId = new URLSearchParams(location.search).get("tenant") ?? "";
const rung = new Set();

/* ---------------------------------------------------------------- words */
function t(name, values = {}) {
  let text = CATALOGUE[language][name] ?? CATALOGUE.en[name] ?? name;
  for (const [key, value] of Object.entries(values)) text = text.replace(`{${key}}`, value);
  return text;
}
const word = (kind, value) => CATALOGUE[language][`${kind}.${value}`] ?? CATALOGUE.en[`${kind}.${value}`] ?? value;
const clock = (text) => new Date(text).toLocaleTimeString(language, { hour12: false });

function choose(name) {
  language = name in CATALOGUE ? name : "en";
  document.documentElement.lang = language;
  try { localStorage.setItem("centralino.language", language); } catch { /* private window */ }
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  for (const button of document.querySelectorAll("[data-language]")) button.setAttribute("aria-pressed", String(button.dataset.language === language));
  $("people").replaceChildren();
  showLink(linkState);
  draw();
}

/* -------------------------------------------------------------- elements */
function make(tag, { text = null, kind = "", ...rest } = {}, ...children) {
  const element = document.createElement(tag);
  if (text !== null) element.textContent = text;
  if (kind) element.className = kind;
  for (const [name, value] of Object.entries(rest)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
function put(element, text) { if (element.textContent !== text) element.textContent = text; }

/** Keep one child per key, in order; made by `made`, brought up to date by `drawn`. */
function keep(list, items, key, made, drawn) {
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const wanted = new Set(items.map((item) => String(key(item))));
  for (const [name, child] of known) if (!wanted.has(name)) child.remove();
  let place = list.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = known.get(name);
    if (child === undefined) { child = made(item); child.dataset.key = name; }
    if (child !== place) list.insertBefore(child, place); else place = place.nextElementSibling;
    drawn(child, item);
  }
}

/* ---------------------------------------------------------------- people */
function madePerson(person) {
  const id = `actions-${person.id}`;
  const more = make("button", { kind: "plain", type: "button", "aria-expanded": "false", "aria-controls": id, text: t("actions") });
  more.setAttribute("aria-label", t("actions.of", { name: person.name }));
  const row = make("div", { kind: "person" },
    make("div", { kind: "who" }, make("b", { text: person.name }), make("small", { text: person.title })),
    make("div", { kind: "presence" }, make("span"), make("small")), more);
  const actions = make("div", { kind: "actions", id, role: "group", "aria-label": t("actions.of", { name: person.name }) });
  actions.hidden = true;
  more.addEventListener("click", () => {
    const opens = actions.hidden;
    if (opens && actions.childElementCount === 0) fillActions(actions, person);
    actions.hidden = !opens;
    more.setAttribute("aria-expanded", String(opens));
    if (opens) actions.querySelector("select").focus();
  });
  return make("li", {}, row, make("ul", { kind: "calls" }), actions);
}

function fillActions(actions, person) {
  const presence = make("select", {}, make("option", { value: "", text: t("presence.choose") }),
    ...CHOICES.map(([availability, activity]) => make("option", { value: `${availability}/${activity}`, text: word("activity", activity) })),
    make("option", { value: "clear", text: t("presence.clear") }));
  presence.addEventListener("change", () => {
    if (!presence.value) return;
    const [availability, activity] = presence.value.split("/");
    const body = presence.value === "clear" ? { clear: true } : { availability, activity };
    send(`people/${person.id}/presence`, body);
    presence.value = "";
  });
  const client = make("select", {}, make("option", { value: "", text: t("client.choose") }),
    ...CLIENTS.map((name) => make("option", { value: name, text: word("client", name) })));
  client.addEventListener("change", () => {
    if (client.value) send(`people/${person.id}/presence`, { client: client.value });
    client.value = "";
  });
  const whom = make("select", {}, ...state.people.filter((other) => other.id !== person.id)
    .map((other) => make("option", { value: other.id, text: other.name })));
  const ring = make("button", { type: "button", text: t("ring") });
  ring.addEventListener("click", () => send(`people/${person.id}/ring`, { who: whom.value }));
  actions.append(
    make("label", {}, make("span", { text: t("presence.set") }), presence),
    make("label", {}, make("span", { text: t("client.set") }), client),
    make("div", { kind: "pair" }, make("label", {}, make("span", { text: t("ring.whom") }), whom), ring));
}

function drawPerson(row, person) {
  const shown = row.querySelector(".presence");
  shown.dataset.tone = TONES[person.shown.availability] ?? "off";
  put(shown.children[0], word("activity", person.shown.activity));
  const differs = person.fact.activity !== person.shown.activity || person.fact.availability !== person.shown.availability;
  const notes = [differs ? t("presence.soon", { presence: word("activity", person.fact.activity) }) : "",
    person.chosen ? t("presence.chosen") : "", person.out ? t("presence.out") : "",
    person.missed ? t("missed", { n: person.missed }) : ""].filter(Boolean);
  put(shown.children[1], notes.join(" · "));
  keep(row.querySelector(".calls"), person.calls, (call) => call.id, () => madeCall(), (item, call) => drawCall(item, person, call));
}

function madeCall() { return make("li", { kind: "call" }, make("span"), make("button", { kind: "yes", type: "button" }), make("button", { kind: "no", type: "button" })); }

function drawCall(item, person, call) {
  const [text, yes, no] = item.children;
  const isOffer = call.state === "ringing" && call.incoming;
  item.dataset.state = call.state;
  put(text, t(call.state === "ringing" ? (call.incoming ? "call.from" : "call.to") : "call.with", { name: call.with }));
  yes.hidden = !isOffer;
  put(yes, t("answer"));
  put(no, t(isOffer ? "decline" : "hang-up"));
  yes.setAttribute("aria-label", t("answer.of", { name: person.name, other: call.with }));
  no.setAttribute("aria-label", t(isOffer ? "decline.of" : "hang-up.of", { name: person.name, other: call.with }));
  yes.onclick = () => send(`people/${person.id}/calls/${call.id}`, { do: "answer" });
  no.onclick = () => send(`people/${person.id}/calls/${call.id}`, { do: isOffer ? "decline" : "hang-up" });
  if (isOffer && !rung.has(call.id)) {
    rung.add(call.id);
    $("said").textContent = t("say.rings", { name: person.name, other: call.with });
  }
}

/* ----------------------------------------------------------------- lists */
function line(at, text, small, badge) {
  const item = make("li", {}, make("time", { datetime: at, text: clock(at) }), make("span", { kind: "text", text }));
  if (small) item.children[1].append(" ", make("small", { text: small }));
  if (badge) item.append(make("span", { kind: "badge", text: badge.text, "data-tone": badge.tone }));
  return item;
}
function lines(id, items, made) {
  $(`no-${id}`).hidden = items.length > 0;
  $(id).hidden = items.length === 0;
  keep($(id), items, (item) => item.key, made, () => {});
}
const tone = (status) => (status >= 200 && status < 300 ? "good" : status === 0 || status >= 500 ? "busy" : "warn");

function drawLists() {
  lines("happenings", state.happenings, (one) => line(one.at, [one.who, word("what", one.what)].filter(Boolean).join(": "), one.detail));
  put($("n-subscriptions"), state.subscriptions.length ? String(state.subscriptions.length) : "");
  lines("subscriptions", state.subscriptions, (one) => line(one.until, one.resource, t("until", { app: one.app }),
    one.silent ? { text: t("silent"), tone: "warn" } : { text: one.rich ? t("sealed") : t("plain"), tone: "good" }));
  put($("n-notifications"), t("notifications.count", { waiting: state.waiting, dropped: state.dropped }));
  lines("notifications", state.notifications, (one) => line(one.at, one.what, one.url, { text: one.status ? String(one.status) : t("no-answer"), tone: tone(one.status) }));
  put($("n-requests"), t("requests.count", { total: state.requests_total, refused: state.throttled }));
  lines("requests", state.requests, (one) => line(one.at, `${one.method} ${one.path}`, one.fault, { text: String(one.status || "–"), tone: tone(one.status) }));
}

function draw() {
  if (state === null) return;
  put($("name"), state.tenant.name);
  document.title = `${state.tenant.name} – ${t("kind")}`;
  put($("n-people"), String(state.people.length));
  $("tenant-choice").hidden = state.tenants.length < 2;
  if ($("tenant").childElementCount !== state.tenants.length) {
    $("tenant").replaceChildren(...state.tenants.map((one) => make("option", { value: one.id, text: one.name })));
  }
  $("tenant").value = state.tenant.id;
  keep($("people"), state.people, (person) => person.id, madePerson, drawPerson);
  drawLists();
}

/* ------------------------------------------------------------------ link */
function showLink(name) {
  linkState = name;
  $("link").dataset.state = name;
  put($("link"), t(`link.${name}`));
}

function connect() {
  source?.close();
  source = new EventSource(`events${tenantId ? `?tenant=${encodeURIComponent(tenantId)}` : ""}`);
  source.onopen = () => showLink("live");
  source.onerror = () => showLink("lost");
  source.onmessage = (event) => { state = JSON.parse(event.data); tenantId = state.tenant.id; draw(); };
}

async function send(path, body) {
  let problem = "";
  try {
    const answer = await fetch(`tenants/${tenantId}/${path}`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
    });
    if (!answer.ok) problem = (await answer.json()).error?.message ?? String(answer.status);
  } catch { problem = t("link.lost"); }
  if (!problem) return;
  $("problem").textContent = t("problem", { reason: problem });
  $("problem").hidden = false;
  clearTimeout(problemTimer);
  problemTimer = setTimeout(() => { $("problem").hidden = true; }, PROBLEM_MS);
}

for (const button of document.querySelectorAll("[data-language]")) button.addEventListener("click", () => choose(button.dataset.language));
$("tenant").addEventListener("change", () => { tenantId = $("tenant").value; $("people").replaceChildren(); connect(); });
let stored = null;
try { stored = localStorage.getItem("centralino.language"); } catch { /* private window */ }
choose(stored ?? navigator.language.slice(0, 2));
connect();
