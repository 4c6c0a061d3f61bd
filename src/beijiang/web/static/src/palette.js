// Ctrl-K: one box from everywhere. It searches the page's own links first and hands the rest to the site's search.
import { t } from "./page.js";

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
    button.addEventListener("click", open);
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
  input.placeholder = t("找数据、页面……", "Find data or a page");
  input.setAttribute("aria-label", input.placeholder);
  const list = document.createElement("ul");
  form.append(input);
  dialog.append(form, list);
  input.addEventListener("input", () => fill(list, input.value));
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
  fill(list, "");
  return dialog;
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
  list.replaceChildren(...found.slice(0, 16));
}
