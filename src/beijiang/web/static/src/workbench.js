// The SQL work-bench: the page works without it; with it the text is coloured and completed, and the result comes in place.
import { Editor } from "./sqleditor.js";
import { csrfToken, once, say, t } from "./page.js";

const bench = document.querySelector("[data-sql-bench]");
const result = document.getElementById("sql-result");
const editor = new Editor(bench.querySelector("[data-sql-editor]"));
const stop = bench.querySelector("[data-stop]");
const clock = bench.querySelector("[data-clock]");
const save = document.querySelector("[data-sql-save]");
let running = "";

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const post = (address, fields) => fetch(address, {
  method: "POST", body: new URLSearchParams(fields),
  headers: { "X-CSRF-Token": csrfToken(), "X-Fragment": "1", Accept: "application/json" },
});

bench.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (running) return;
  const explains = event.submitter?.hasAttribute("data-explain");
  running = newId();
  const begun = Date.now();
  const tick = setInterval(() => { clock.textContent = t(`已运行 ${Math.round((Date.now() - begun) / 1000)} 秒`, `running for ${Math.round((Date.now() - begun) / 1000)} s`); }, 500);
  const shown = setTimeout(() => { stop.hidden = false; result.setAttribute("aria-busy", "true"); }, 200);
  try {
    const answer = await post(explains ? "/console/sql/explain" : "/console/sql", { ...Object.fromEntries(new FormData(bench)), query: running });
    if (answer.ok && answer.headers.get("content-type").startsWith("text/html")) show(await answer.text());
    else say("bad", (await answer.json()).error.message);
  } catch {
    say("bad", t("连接不上服务器，请检查网络后重试。", "The server cannot be reached; check the network and try again."));
  } finally {
    clearInterval(tick);
    clearTimeout(shown);
    clock.textContent = "";
    stop.hidden = true;
    result.removeAttribute("aria-busy");
    running = "";
  }
});

stop.addEventListener("click", () => running && post("/console/sql/stop", { query: running }));
bench.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); bench.requestSubmit(); }
});
save?.addEventListener("submit", () => { save.elements.text.value = editor.text; });

/** Put what the server drew in the place of the last result. */
function show(html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  result.replaceChildren(made.content);
  enhance();
}

function enhance() {
  const fault = result.querySelector("[data-fault]");
  editor.mark(Number(fault?.dataset.line ?? 0), Number(fault?.dataset.column ?? 0));
  once(result, "table[data-paged]", "pages", pages);
  once(result, "[data-sql-chart]", "drawn", charts);
}

/** Show the rows of a long table in pages. */
function pages(table) {
  const size = Number(table.dataset.paged);
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= size) return;
  const bar = document.createElement("div");
  bar.className = "pages pad";
  const [back, words, on] = ["button", "span", "button"].map((name) => bar.appendChild(document.createElement(name)));
  [back.textContent, on.textContent] = [t("上一页", "Previous"), t("下一页", "Next")];
  for (const button of [back, on]) Object.assign(button, { type: "button", className: "btn small" });
  let at = 0;
  const turn = (step) => {
    at = Math.max(0, Math.min(Math.ceil(rows.length / size) - 1, at + step));
    rows.forEach((row, i) => { row.hidden = i < at * size || i >= (at + 1) * size; });
    words.textContent = `${at * size + 1}–${Math.min(rows.length, (at + 1) * size)} / ${rows.length}`;
    back.disabled = at === 0;
    on.disabled = (at + 1) * size >= rows.length;
    table.parentElement.scrollTop = 0;
  };
  back.addEventListener("click", () => turn(-1));
  on.addEventListener("click", () => turn(1));
  table.parentElement.after(bar);
  turn(0);
}

/** Let the reader choose a chart of the rows on the page; the choice is kept with a saved query. */
function charts(section) {
  const { columns } = JSON.parse(section.querySelector("[data-rows]").textContent);
  const numbers = columns.filter((column) => column.number);
  if (!numbers.length || !columns[0].values.length) return;
  const [kind, x, y] = ["kind", "x", "y"].map((name) => section.querySelector(`[data-chart-${name}]`));
  for (const column of columns) x.append(new Option(column.name));
  for (const column of numbers) {
    const label = y.appendChild(document.createElement("label"));
    label.append(Object.assign(document.createElement("input"), { type: "checkbox", value: column.name }), ` ${column.name}`);
  }
  const boxes = [...y.querySelectorAll("input")];
  const kept = JSON.parse(result.dataset.chart || "null");
  kind.value = kept?.kind ?? "";
  x.value = kept?.x ?? (columns.find((column) => !column.number) ?? columns[0]).name;
  const ticked = kept ? kept.y : [(numbers.find((column) => column.name !== x.value) ?? numbers[0]).name];
  for (const box of boxes) box.checked = ticked.includes(box.value);
  const paint = () => {
    const names = boxes.filter((box) => box.checked).map((box) => box.value).slice(0, 8);
    const chosen = kind.value && names.length ? { kind: kind.value, x: x.value, y: names } : null;
    result.dataset.chart = chosen ? JSON.stringify(chosen) : "";
    remember(chosen);
    draw(section.querySelector("[data-chart-place]"), columns, chosen);
  };
  section.addEventListener("change", paint);
  section.hidden = false;
  paint();
}

function remember(chosen) {
  if (!save) return;
  save.elements.chart_kind.value = chosen?.kind ?? "";
  save.elements.chart_x.value = chosen?.x ?? "";
  for (const old of save.querySelectorAll('[name="chart_y"]')) old.remove();
  for (const name of chosen?.y ?? []) save.append(Object.assign(document.createElement("input"), { type: "hidden", name: "chart_y", value: name }));
}

function draw(place, columns, chosen) {
  place.replaceChildren();
  if (!chosen) return;
  const of = (name) => columns.find((column) => column.name === name);
  if (!of(chosen.x)) return;
  const series = chosen.y.filter(of).map((name) => ({ name, values: of(name).values }));
  const data = { type: chosen.kind, x: of(chosen.x).values.map((value) => (value === null ? t("空", "empty") : value)), x_name: chosen.kind === "scatter" ? chosen.x : "", series };
  const source = Object.assign(document.createElement("script"), { type: "application/json", id: "sql-chart-data", textContent: JSON.stringify(data) });
  const canvas = Object.assign(document.createElement("div"), { className: "chart-canvas" });
  canvas.dataset.chart = source.id;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${chosen.y.join(t("、", ", "))} / ${chosen.x}`);
  place.append(canvas, source);
  document.dispatchEvent(new CustomEvent("chart:draw", { detail: place }));
}

/** Columns of a table come when its name is opened; a click writes a name into the query. */
for (const entry of document.querySelectorAll("[data-table]")) {
  entry.addEventListener("toggle", async () => {
    if (!entry.open || entry.querySelector("ul")) return;
    const list = entry.appendChild(document.createElement("ul"));
    list.className = "plain small";
    const name = (text) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "btn quiet small", textContent: text });
      button.addEventListener("click", () => editor.insert(text));
      return button;
    };
    list.appendChild(document.createElement("li")).append(name(entry.dataset.table));
    for (const column of await editor.columns(entry.dataset.table)) {
      const item = list.appendChild(document.createElement("li"));
      item.append(name(column.name), Object.assign(document.createElement("span"), { className: "muted", textContent: ` ${column.type} ${column.grade}${column.masked ? t(" 脱敏", " masked") : ""}` }));
    }
  });
}
const find = document.querySelector("[data-find-table]");
if (find) {
  find.hidden = document.querySelectorAll("[data-table]").length < 9;
  find.addEventListener("input", () => {
    for (const entry of document.querySelectorAll("[data-table]")) entry.parentElement.hidden = !entry.textContent.toLowerCase().includes(find.value.trim().toLowerCase());
  });
}

enhance();
