// Counts times down, says when there is something new, and moves the focus by keys. Nothing is
// decided here: keys only bring the focus to a button, which Enter then presses.
"use strict";

const PULSE_MS = 5000;
// The service's clock, which decides, and not the one of this machine.
const ahead = Number(document.body.dataset.now) - Date.now();

function left(ms) {
  const seconds = Math.ceil(ms / 1000);
  if (seconds <= 0) return "time is over";
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (days) return `${days} d ${hours} h left`;
  if (hours) return `${hours} h ${minutes} min left`;
  if (minutes) return `${minutes} min ${seconds % 60} s left`;
  return `${seconds} s left`;
}

function countDown() {
  const now = Date.now() + ahead;
  for (const one of document.querySelectorAll("time[data-until]")) {
    const ms = Number(one.dataset.until) - now;
    const text = left(ms);
    if (one.textContent !== text) one.textContent = text;
    one.classList.toggle("soon", ms < 120000);
  }
}

async function pulse() {
  const newest = document.body.dataset.newest;
  if (newest === undefined || document.hidden) return;
  let news;
  try {
    const response = await fetch(`/pulse?seen=${encodeURIComponent(newest)}`);
    if (!response.ok) return;
    news = await response.json();
  } catch {
    return; // The service stops or restarts; the next pulse tells.
  }
  const notice = document.getElementById("new");
  if (!news.new || (!newest && !news.newest)) return;
  const text = `${news.new} new: reload`;
  const link = notice.firstElementChild;
  if (link.textContent !== text) link.textContent = text;
  notice.hidden = false;
}

const items = () => [...document.querySelectorAll(".queue > li")];

function move(step) {
  const all = items();
  if (!all.length) return;
  const here = all.findIndex((one) => one.contains(document.activeElement));
  const to = here < 0 ? (step > 0 ? 0 : all.length - 1) : here + step;
  all[Math.min(Math.max(to, 0), all.length - 1)].querySelector("h2 a").focus();
}

function tick() {
  const item = document.activeElement.closest(".queue > li");
  if (item) item.querySelector("input[type=checkbox]").click();
}

function goTo(id) {
  const found = document.getElementById(id);
  if (!found) return;
  if (found.tagName === "DETAILS") {
    found.open = true;
    found.querySelector("input:not([type=hidden])").focus();
  } else {
    found.focus();
  }
}

function help() {
  const keys = document.getElementById("keys");
  if (keys && !keys.open) keys.showModal();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  x: tick,
  a: () => goTo("approve"),
  d: () => goTo("reason"),
  g: () => goTo("grant"),
  q: () => document.querySelector("header nav a[href='/']").click(),
  "?": help,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && "adgqx?".includes(event.key)) return;
  const at = event.target;
  const typing = at.closest("textarea, select, input:not([type=checkbox]), dialog[open]");
  if (typing) {
    if (event.key === "Escape" && !at.closest("dialog")) at.blur();
    return;
  }
  const act = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
  if (!act || !document.querySelector("header nav")) return;
  event.preventDefault();
  act();
});

const showKeys = document.getElementById("show-keys");
if (showKeys) {
  showKeys.hidden = false;
  showKeys.addEventListener("click", help);
}

// Choosing how an argument may differ shows where to say it.
for (const how of document.querySelectorAll(".grant fieldset select")) {
  const fields = [...how.closest("fieldset").querySelectorAll("label, textarea")].slice(1);
  const show = () => fields.forEach((one) => { one.hidden = how.value === "same"; });
  how.addEventListener("change", show);
  show();
}

countDown();
setInterval(countDown, 1000);
if (document.body.dataset.newest !== undefined) {
  setInterval(pulse, PULSE_MS);
  document.addEventListener("visibilitychange", pulse);
}
