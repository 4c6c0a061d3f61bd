// What every page loads. Each module enhances a page that already works without it.
import htmx from "htmx.org";

import { installCopies } from "./copy.js";
import { installHelp } from "./help.js";
import { watchJobs } from "./jobs.js";
import { installLive } from "./live.js";
import { startKeyboard } from "./keyboard.js";
import { installPalette } from "./palette.js";
import { installPictures } from "./pictures.js";
import { installTheme } from "./theme.js";
import { installUploads } from "./upload.js";
import { announce, csrfToken, once } from "./page.js";
import { watchFolder } from "./writing.js";

// A change must carry the session's token; forms have a hidden field, requests made by script a header.
document.addEventListener("htmx:configRequest", (event) => {
  const token = csrfToken();
  if (token && event.detail.verb !== "get") event.detail.headers["X-CSRF-Token"] = token;
});

// A failed request says so where a screen reader hears it, with the id that the operator needs.
document.addEventListener("htmx:responseError", (event) => {
  const request = event.detail.xhr;
  announce("bad", request.status, request.getResponseHeader("X-Request-ID"));
});
document.addEventListener("htmx:sendError", () => announce("bad", 0, null));
document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));

function enhance(root) {
  once(root, "[data-print]", "ready", (button) => { button.hidden = false; button.addEventListener("click", () => print()); });
  installCopies(root);
  installPictures(root);
  installUploads(root);
  watchJobs(root);
}

// The menu scrolls by itself, and begins where the reader is.
for (const here of document.querySelectorAll(".side nav [aria-current]")) {
  const side = here.closest(".side");
  side.scrollTop = here.offsetTop - side.clientHeight / 2;
}

installTheme();
installLive();
watchFolder();
startKeyboard();
installHelp();
installPalette(); // after the keyboard: Ctrl-K goes to a search field where the page has one
enhance(document);

// Menus that are open for readers without scripts fold themselves on narrow screens.
if (matchMedia("(max-width: 860px)").matches) {
  for (const menu of document.querySelectorAll("details.side-menu, details.facet")) menu.open = false;
}

export { htmx };
