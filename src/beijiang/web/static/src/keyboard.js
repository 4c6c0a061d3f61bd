// j and k move through the rows of a table marked data-keys, x ticks, Enter opens the row's first link, / goes to the search field.
function rows() {
  return [...document.querySelectorAll("[data-keys] tbody tr, [data-keys] > li")];
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
  const target = next.querySelector("[data-open]") ?? next.querySelector("a, button") ?? next.querySelector("input") ?? next;
  target.focus();
}

/** Tick the row that is being looked at, where rows can be ticked. */
function tick() {
  const row = rows().find((one) => one.contains(document.activeElement));
  row?.querySelector('input[type="checkbox"]:not(:disabled)')?.click();
}

export function startKeyboard() {
  for (const all of document.querySelectorAll("[data-bulk] [data-all]")) {
    all.addEventListener("change", () => {
      for (const box of all.closest("table").querySelectorAll('tbody input[type="checkbox"]:not(:disabled)')) box.checked = all.checked;
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input:not([type=checkbox]), textarea, select") || event.metaKey || event.altKey) return;
    if (event.key === "/" || (event.ctrlKey && event.key === "k")) {
      const field = document.querySelector('[role="search"] input, input[type="search"]');
      if (field) { event.preventDefault(); field.focus(); }
    } else if (!event.ctrlKey && event.key === "j") move(1);
    else if (!event.ctrlKey && event.key === "k") move(-1);
    else if (!event.ctrlKey && event.key === "x") tick();
  });
}
