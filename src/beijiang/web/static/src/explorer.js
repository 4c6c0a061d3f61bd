// The explorer works as plain forms; this fetches the drawing code when there is something to draw, and saves pictures.
import { once } from "./page.js";

const charts = () => import(document.getElementById("explorer").dataset.charts);

async function show() {
  const explorer = document.getElementById("explorer");
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
document.addEventListener("htmx:afterSettle", show);
document.addEventListener("htmx:historyRestore", show);
