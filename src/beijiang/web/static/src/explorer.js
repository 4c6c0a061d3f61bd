// The explorer works as plain forms; this fetches the drawing code when there is something to draw, and saves pictures.
import { once } from "./page.js";

const charts = () => import(document.getElementById("explorer").dataset.charts);

// On a narrow screen the forms fold away, so that the view comes first; what the reader unfolded stays so.
let unfolded = !matchMedia("(max-width: 860px)").matches;

async function show() {
  const explorer = document.getElementById("explorer");
  once(document, ".explorer-fold", "ready", (fold) => {
    fold.open = unfolded;
    fold.addEventListener("toggle", () => (unfolded = fold.open));
  });
  const drawing = explorer?.querySelector("[data-chart], [data-map]");
  if (!drawing) return;
  const { draw, picture } = await charts();
  draw(explorer);
  once(explorer, "[data-picture]", "ready", (button) => {
    button.hidden = false;
    button.addEventListener("click", () => picture(drawing, button.dataset.picture));
  });
}

show();
document.addEventListener("htmx:load", show); // the other events of a swap are told to the form, which is gone by then
document.addEventListener("htmx:historyRestore", show);
