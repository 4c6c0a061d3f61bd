// The "?" in a head: opens the section of the help that belongs to the page beside it. Without this it is a link to that section.
import { t } from "./page.js";

export function installHelp() {
  for (const mark of document.querySelectorAll("a.help-mark")) {
    mark.setAttribute("aria-haspopup", "dialog");
    mark.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a new tab is wanted
      event.preventDefault();
      show(mark.href);
    });
  }
}

/** Show a section in the panel; where it cannot be had, go to the page of help itself. */
async function show(href) {
  const dialog = document.querySelector("dialog.help-panel") ?? build();
  const body = dialog.querySelector(".help-body");
  try {
    body.replaceChildren(...(await sectionOf(href)));
  } catch {
    location.assign(href);
    return;
  }
  dialog.querySelector(".help-whole").href = href;
  dialog.setAttribute("aria-label", body.querySelector("h1, h2, h3")?.textContent ?? t("帮助", "Help"));
  if (!dialog.open) dialog.showModal();
  body.scrollTop = 0;
}

async function sectionOf(href) {
  const address = new URL(href);
  address.searchParams.set("lang", document.documentElement.lang.startsWith("zh") ? "zh-CN" : "en");
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(answer.statusText);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const start = address.hash && page.getElementById(decodeURIComponent(address.hash.slice(1)));
  if (!start) return [page.querySelector("main article") ?? page.querySelector("main")];
  const found = [start];
  for (let next = start.nextElementSibling; next && next.tagName !== start.tagName && next.tagName !== "NAV"; next = next.nextElementSibling) found.push(next);
  for (const one of found) one.removeAttribute("id"); // the page may have its own
  return found;
}

function build() {
  const dialog = document.createElement("dialog");
  dialog.className = "help-panel card";
  const close = Object.assign(document.createElement("button"), { type: "button", className: "btn small", textContent: t("关闭", "Close") });
  close.addEventListener("click", () => dialog.close());
  const whole = Object.assign(document.createElement("a"), { className: "help-whole small", textContent: t("全部帮助", "All help") });
  const foot = Object.assign(document.createElement("p"), { className: "row" });
  foot.append(whole, Object.assign(document.createElement("span"), { className: "grow" }), close);
  dialog.append(Object.assign(document.createElement("div"), { className: "help-body prose", tabIndex: 0 }), foot);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  return dialog;
}
