// Ctrl-K: one box from everywhere. In the console it asks the platform for all that the person may see; elsewhere, and where
// that cannot be reached, it searches the page's own links and hands the rest to the site's search.
import { chinese, t } from "./page.js";

export function installPalette() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  for (const button of document.querySelectorAll("[data-palette]")) {
    button.hidden = false;
    button.addEventListener("click", (event) => { event.preventDefault(); open(); });
  }
}

function open() {
  const dialog = document.querySelector("dialog.palette") ?? build();
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("input").select();
}

function build() {
  const dialog = document.createElement("dialog");
  dialog.className = "palette card";
  dialog.setAttribute("aria-label", t("快速前往", "Go to"));
  const form = document.createElement("form");
  form.action = document.body.dataset.search ?? "/datasets";
  const input = document.createElement("input");
  input.name = "q";
  input.type = "search";
  input.autocomplete = "off";
  input.placeholder = t("名称、拼音或首字母……", "Name, pinyin or initials");
  input.setAttribute("aria-label", input.placeholder);
  const list = document.createElement("ul");
  form.append(input);
  dialog.append(form, list);
  input.addEventListener("input", () => ask(list, input.value));
  form.addEventListener("submit", (event) => {
    const first = list.querySelector("a"); // a page of that name comes before a search for it
    if (!input.value.trim() || !first) return;
    event.preventDefault();
    location.assign(first.href);
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const stops = [input, ...list.querySelectorAll("a")];
    stops[(stops.indexOf(document.activeElement) + step + stops.length) % stops.length].focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  ask(list, "", 0);
  return dialog;
}

const WAIT = 150;
const ROWS = 16;

/** Ask the platform once the typing rests; an answer that comes late, after another question, is not shown. */
function ask(list, words, wait = WAIT) {
  const address = document.body.dataset.finds;
  if (!address) return fill(list, words);
  clearTimeout(ask.timer);
  ask.timer = setTimeout(async () => {
    const number = (ask.number = (ask.number ?? 0) + 1);
    try {
      const answer = await fetch(`${address}?q=${encodeURIComponent(words.trim().slice(0, 100))}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) return fill(list, words);
      const { found } = await answer.json();
      if (number === ask.number) list.replaceChildren(...found.slice(0, ROWS).map(line));
    } catch {
      fill(list, words);
    }
  }, wait);
}

function line(one) {
  const said = (text) => (chinese() ? text.zh : text.en);
  const part = (name, words, kind = "") => Object.assign(document.createElement(name), { textContent: words, className: kind });
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = one.href;
  link.append(part("span", said(one.kind_text), "tag"), part("span", said(one.name)), part("small", said(one.note)));
  item.append(link);
  return item;
}

function fill(list, words) {
  const wanted = words.trim().toLowerCase();
  const seen = new Set();
  const found = [];
  for (const link of document.querySelectorAll("nav a[href]")) {
    const name = link.textContent.replace(/\s+/g, " ").trim();
    if (!name || seen.has(link.href) || !name.toLowerCase().includes(wanted)) continue;
    seen.add(link.href);
    const item = document.createElement("li");
    const copy = document.createElement("a");
    copy.href = link.href;
    copy.textContent = name;
    item.append(copy);
    found.push(item);
  }
  list.replaceChildren(...found.slice(0, ROWS));
}
