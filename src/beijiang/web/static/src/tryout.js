// The developers' page: ask the row API of an open data set from the page, and show the very call and its answer.
const form = document.querySelector("[data-tryout]");

if (form) {
  const call = document.querySelector("[data-tryout-call]");
  const status = document.querySelector("[data-tryout-status]");
  const answer = document.querySelector("[data-tryout-answer]");
  const value = (name) => form.elements.namedItem(name).value;

  const path = () => {
    const words = new URLSearchParams();
    if (value("column")) words.set(`${value("column")}__${value("op")}`, value("value"));
    words.set("_size", value("size") || "5");
    return `/api/v1/datasets/${encodeURIComponent(value("dataset"))}/rows?${words}`;
  };
  const show = () => { call.textContent = `curl '${call.dataset.base}${path()}'`; };

  const columns = async () => {
    const select = form.elements.namedItem("column");
    while (select.options.length > 1) select.remove(1);
    const found = await fetch(`/api/v1/datasets/${encodeURIComponent(value("dataset"))}`);
    if (!found.ok) return;
    for (const field of (await found.json()).fields) {
      if (field.state !== "withheld") select.add(new Option(field.column, field.column));
    }
    show();
  };

  form.addEventListener("input", show);
  form.elements.namedItem("dataset").addEventListener("change", columns);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const started = performance.now();
    status.textContent = "…";
    try {
      const found = await fetch(path(), { headers: { Accept: "application/json" } });
      const text = await found.text();
      const took = Math.round(performance.now() - started);
      status.textContent = `HTTP ${found.status} · ${took} ms · ${new Blob([text]).size} B · ETag ${found.headers.get("ETag") ?? "—"}`;
      answer.textContent = JSON.stringify(JSON.parse(text), null, 2);
    } catch (error) {
      status.textContent = String(error);
    }
    answer.parentElement.hidden = false;
  });
  status.textContent = "";
  columns();
}
