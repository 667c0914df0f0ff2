// Keyboard first. Every link and button with data-key="k" (or "g d", two keys) is pressed by that key; j and k move
// between elements with data-row, Enter opens the first link of the row; ? lists the keys of the page.
// Without this file every page works by mouse: it adds no content and writes nothing.
"use strict";

const typing = (element) => element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));

function pressed(keys) {
  const found = [...document.querySelectorAll("[data-key]")].filter((element) => element.dataset.key === keys);
  const shown = found.find((element) => !element.disabled && element.getClientRects().length > 0);
  if (!shown) return false;
  if (typing(shown)) {
    shown.focus();
    if (shown.select) shown.select();
  } else {
    shown.click();
  }
  return true;
}

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (rows.length === 0) return false;
  const at = rows.indexOf(document.activeElement.closest ? document.activeElement.closest("[data-row]") : null);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step))];
  if (next.tabIndex < 0) next.tabIndex = -1;
  next.setAttribute("tabindex", "-1");
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

function listed() {
  const body = document.querySelector("#keys tbody");
  body.replaceChildren();
  const seen = new Set();
  for (const element of document.querySelectorAll("[data-key]")) {
    const keys = element.dataset.key;
    if (seen.has(keys)) continue;
    seen.add(keys);
    const row = body.insertRow();
    const key = document.createElement("kbd");
    key.textContent = { ArrowLeft: "←", ArrowRight: "→" }[keys] || keys;
    row.insertCell().append(key);
    row.insertCell().textContent = element.dataset.does || element.getAttribute("aria-label") || element.textContent.trim() || element.placeholder || "";
  }
  for (const [keys, does] of [["j / k", "next, previous row"], ["Enter", "open the row"], ["Esc", "leave a field"]]) {
    const row = body.insertRow();
    const key = document.createElement("kbd");
    key.textContent = keys;
    row.insertCell().append(key);
    row.insertCell().textContent = does;
  }
  const shown = document.querySelector("#keys");
  shown.showModal();
  shown.scrollTop = 0;  // the button that has the focus stands at the end: without this the first keys are out of sight
}

let before = "";
let forget = 0;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  const keys = before ? before + " " + event.key : event.key;
  before = "";
  clearTimeout(forget);
  let done = !event.repeat && pressed(keys);  // a key that is held down would decide the next item unseen
  if (!done && event.key === "j") done = move(1);
  if (!done && event.key === "k") done = move(-1);
  if (!done && event.key === "Enter" && event.target.matches("[data-row]")) {
    const link = event.target.querySelector("a");
    if (link) { link.click(); done = true; }
  }
  if (!done && document.querySelector(`[data-key^="${CSS.escape(event.key)} "]`)) {
    before = event.key;
    forget = setTimeout(() => { before = ""; }, 1200);
    done = true;
  }
  if (done) event.preventDefault();
});

// One press, one request: a second one while the page loads would decide the next item unseen.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

document.addEventListener("DOMContentLoaded", () => {
  for (const text of document.querySelectorAll(".low")) if (text.scrollHeight > text.clientHeight) text.tabIndex = 0;
  const open = document.querySelector("#keys-open");
  if (open) open.addEventListener("click", listed);
  const live = document.querySelector("[data-reload]");
  if (live) setTimeout(() => { if (!document.querySelector("dialog[open]") && !typing(document.activeElement)) location.reload(); }, 1000 * Number(live.dataset.reload));
});
