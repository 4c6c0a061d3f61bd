// j and k move through the rows of a table marked data-keys, Enter opens the row's first link, / goes to the search field.
function rows() {
  return [...document.querySelectorAll("[data-keys] tbody tr, [data-keys] > li")];
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
  const target = next.querySelector("a, button, input") ?? next;
  target.focus();
}

export function startKeyboard() {
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select") || event.metaKey || event.altKey) return;
    if (event.key === "/" || (event.ctrlKey && event.key === "k")) {
      const field = document.querySelector('[role="search"] input, input[type="search"]');
      if (field) { event.preventDefault(); field.focus(); }
    } else if (!event.ctrlKey && event.key === "j") move(1);
    else if (!event.ctrlKey && event.key === "k") move(-1);
  });
}
