// The items of an entry like a spreadsheet: keys, ranges, paste, fill down, undo, and errors before anything is saved.
import { csrfToken, say, t } from "./page.js";
import { format, parse } from "./tsv.js";

const plain = (text) => text.normalize("NFKC").trim().toLowerCase();
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

class Grid {
  constructor(form) {
    this.form = form;
    this.table = form.querySelector("table");
    this.rows = [...this.table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td.cell")]);
    this.at = [0, 0];
    this.anchor = [0, 0];
    this.done = [];
    this.undone = [];
    this.editing = null;
    this.first = new Map();
    this.faults = document.querySelector("[data-faults]");
    this.prepare();
    this.listen();
  }

  prepare() {
    this.table.setAttribute("role", "grid");
    this.table.setAttribute("aria-multiselectable", "true");
    this.rows.forEach((cells, row) => cells.forEach((cell, column) => {
      cell.tabIndex = -1;
      cell.dataset.at = `${row},${column}`;
      const control = this.control(cell);
      control.tabIndex = -1;
      this.first.set(control, control.value);
    }));
    for (const name of ["undo", "redo", "fill"]) this.button(name).hidden = false;
    this.form.querySelector("[data-keys-told]").hidden = false;
    this.cell(this.at)?.setAttribute("tabindex", "0");
    this.paint();
  }

  button(name) { return this.form.querySelector(`[data-${name}]`); }
  control(cell) { return cell.querySelector("input, select"); }
  cell([row, column]) { return this.rows[row]?.[column]; }
  placeOf(cell) { return cell.dataset.at.split(",").map(Number); }

  listen() {
    this.table.addEventListener("keydown", (event) => this.press(event));
    this.table.addEventListener("mousedown", (event) => this.point(event));
    this.table.addEventListener("dblclick", (event) => { const cell = event.target.closest("td.cell"); if (cell) this.edit(cell); });
    this.table.addEventListener("focusin", (event) => { const cell = event.target.closest("td.cell"); if (cell && event.target !== cell && this.editing?.cell !== cell) this.begin(cell); });
    this.table.addEventListener("focusout", (event) => { if (this.editing && event.target === this.control(this.editing.cell)) this.commit(); });
    for (const kind of ["copy", "cut", "paste"]) document.addEventListener(kind, (event) => { if (!this.editing && document.activeElement?.matches("td.cell")) this[kind](event); });
    this.button("undo").addEventListener("click", () => this.undo());
    this.button("redo").addEventListener("click", () => this.redo());
    this.button("fill").addEventListener("click", () => this.fill());
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    addEventListener("beforeunload", (event) => { if (this.changed() && !this.leaving) event.preventDefault(); });
  }

  press(event) {
    const cell = event.target.closest("td.cell");
    if (!cell || event.isComposing) return;
    const used = this.editing ? this.pressEditing(event) : this.pressMoving(event, cell);
    if (used) event.preventDefault();
  }

  pressEditing(event) {
    if (event.key === "Escape") { const { cell, before } = this.editing; this.control(cell).value = before; this.editing = null; cell.focus(); return true; }
    if (event.key === "Enter") { this.commit(); this.move(event.shiftKey ? -1 : 1, 0); return true; }
    if (event.key === "Tab") { this.commit(); this.step(event.shiftKey ? -1 : 1); return true; }
    return false;
  }

  pressMoving(event, cell) {
    const chord = event.ctrlKey || event.metaKey;
    if (chord) return this.pressChord(event.key.toLowerCase(), event.shiftKey);
    if (MOVES[event.key]) { this.move(...MOVES[event.key], event.shiftKey); return true; }
    if (event.key === "Tab") return this.step(event.shiftKey ? -1 : 1);
    if (event.key === "Enter" || event.key === "F2") { this.edit(cell); return true; }
    if (event.key === "Home" || event.key === "End") { this.go([this.at[0], event.key === "Home" ? 0 : this.rows[this.at[0]].length - 1], event.shiftKey); return true; }
    if (event.key === "Escape") { this.go(this.at); return true; }
    if (event.key === "Delete" || event.key === "Backspace") { this.put(this.range().map((one) => [one, ""])); return true; }
    if (event.key.length === 1 || event.key === "Process") this.edit(cell, event.key !== "Process" && this.control(cell).matches("input"));
    return false; // the sign itself goes into the cell
  }

  pressChord(key, shift) {
    const does = { z: () => (shift ? this.redo() : this.undo()), y: () => this.redo(), d: () => this.fill(), a: () => this.all() }[key];
    does?.();
    return Boolean(does);
  }

  point(event) {
    const cell = event.target.closest("td.cell");
    if (!cell || event.button !== 0 || this.editing?.cell === cell) return;
    if (document.activeElement === cell && !event.shiftKey) return; // a second press edits
    event.preventDefault();
    this.commit();
    this.go(this.placeOf(cell), event.shiftKey);
  }

  move(down, right, extend = false) {
    const row = Math.min(this.rows.length - 1, Math.max(0, this.at[0] + down));
    const column = Math.min(this.rows[row].length - 1, Math.max(0, this.at[1] + right));
    this.go([row, column], extend);
  }

  /** Go to the next or the last cell in reading order; at the end the page's own order takes over. */
  step(way) {
    const wide = this.rows[0].length;
    const next = this.at[0] * wide + this.at[1] + way;
    if (next < 0 || next >= wide * this.rows.length) { this.cell(this.at).focus(); return false; }
    this.go([Math.floor(next / wide), next % wide]);
    return true;
  }

  go(place, extend = false) {
    this.cell(this.at)?.setAttribute("tabindex", "-1");
    this.at = place;
    if (!extend) this.anchor = place;
    const cell = this.cell(place);
    cell.tabIndex = 0;
    cell.focus();
    this.paint();
  }

  all() {
    this.anchor = [0, 0];
    this.at = [this.rows.length - 1, this.rows[0].length - 1];
    this.paint();
  }

  range() {
    const [top, bottom] = [this.anchor[0], this.at[0]].sort((a, b) => a - b);
    const [left, right] = [this.anchor[1], this.at[1]].sort((a, b) => a - b);
    return this.rows.slice(top, bottom + 1).flatMap((cells) => cells.slice(left, right + 1));
  }

  edit(cell, empty = false) {
    this.begin(cell);
    const control = this.control(cell);
    if (empty) control.value = "";
    control.focus();
    if (!empty && control.matches("input")) control.setSelectionRange(control.value.length, control.value.length);
  }

  begin(cell) {
    this.commit();
    this.cell(this.at)?.setAttribute("tabindex", "-1");
    this.at = this.placeOf(cell);
    this.anchor = this.at;
    cell.tabIndex = 0;
    this.editing = { cell, before: this.control(cell).value };
    this.paint();
  }

  commit() {
    if (!this.editing) return;
    const { cell, before } = this.editing;
    this.editing = null;
    const after = this.control(cell).value;
    if (after !== before) this.keep([{ cell, before, after }]);
  }

  /** Write texts into cells as one step that can be undone. */
  put(pairs) {
    const steps = pairs.map(([cell, text]) => ({ cell, before: this.control(cell).value, after: this.write(cell, text) }));
    this.keep(steps.filter((step) => step.before !== step.after));
  }

  /** Write a text; one that is not among the choices is kept to be seen and mended. */
  write(cell, text) {
    const control = this.control(cell);
    if (control.matches("select")) {
      const wanted = plain(text);
      let option = wanted === "" ? control.options[0] : [...control.options].find((one) => plain(one.value) === wanted || plain(one.textContent) === wanted);
      if (!option) { option = new Option(text, text); control.append(option); }
      control.value = option.value;
    } else control.value = text.replace(/\s*[\r\n]+\s*/g, " ");
    return control.value;
  }

  keep(steps) {
    if (!steps.length) return;
    this.done.push(steps);
    this.undone = [];
    this.paint();
    this.checkSoon();
  }

  undo() { this.turn(this.done, this.undone, "before"); }
  redo() { this.turn(this.undone, this.done, "after"); }
  turn(from, to, side) {
    this.commit();
    const steps = from.pop();
    if (!steps) return;
    to.push(steps);
    for (const step of steps) this.write(step.cell, step[side]);
    this.go(this.placeOf(steps[0].cell));
    this.checkSoon();
  }

  fill() {
    this.commit();
    const single = this.anchor[0] === this.at[0];
    if (single && this.at[0] === 0) return;
    const [left, right] = [this.anchor[1], this.at[1]].sort((a, b) => a - b);
    const [top, bottom] = single ? [this.at[0] - 1, this.at[0]] : [this.anchor[0], this.at[0]].sort((a, b) => a - b);
    const pairs = [];
    for (let row = top + 1; row <= bottom; row += 1) for (let column = left; column <= right; column += 1) pairs.push([this.cell([row, column]), this.control(this.cell([top, column])).value]);
    this.put(pairs);
    this.cell(this.at).focus();
  }

  copy(event) {
    const [top, bottom] = [this.anchor[0], this.at[0]].sort((a, b) => a - b);
    const [left, right] = [this.anchor[1], this.at[1]].sort((a, b) => a - b);
    const shown = (control) => (control.matches("select") && control.value ? control.selectedOptions[0].textContent : control.value);
    event.clipboardData.setData("text/plain", format(this.rows.slice(top, bottom + 1).map((cells) => cells.slice(left, right + 1).map((cell) => shown(this.control(cell))))));
    event.preventDefault();
  }

  cut(event) { this.copy(event); this.put(this.range().map((cell) => [cell, ""])); }

  paste(event) {
    event.preventDefault();
    const text = event.clipboardData.getData("text/plain");
    if (!text) return;
    const rows = parse(text);
    const top = Math.min(this.anchor[0], this.at[0]), left = Math.min(this.anchor[1], this.at[1]);
    const pairs = [];
    let lost = 0;
    if (rows.length === 1 && rows[0].length === 1) for (const cell of this.range()) pairs.push([cell, rows[0][0]]);
    else rows.forEach((cells, down) => cells.forEach((value, right) => {
      const cell = this.cell([top + down, left + right]);
      if (cell) pairs.push([cell, value]); else lost += 1;
    }));
    this.put(pairs);
    if (lost) say("warn", t(`有 ${lost} 个单元格超出表格，没有粘贴。`, `${lost} cells lie outside the grid and were not pasted.`));
    this.cell(this.at).focus();
  }

  changed() { return [...this.first].filter(([control, value]) => control.value !== value).length; }

  paint() {
    const chosen = new Set(this.range());
    for (const cells of this.rows) for (const cell of cells) {
      const control = this.control(cell);
      cell.classList.toggle("chosen", chosen.has(cell));
      cell.setAttribute("aria-selected", chosen.has(cell));
      cell.classList.toggle("edited", control.value !== this.first.get(control));
    }
    const count = this.changed();
    this.form.querySelector("[data-count]").textContent = count ? t(`已改 ${count} 格，尚未保存`, `${count} cells changed, not saved yet`) : "";
    this.button("undo").disabled = !this.done.length;
    this.button("redo").disabled = !this.undone.length;
  }

  checkSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), 300);
  }

  /** Ask the server what is wrong with the rows as they stand; return the faults, or null where it did not answer. */
  async check() {
    clearTimeout(this.timer);
    const number = this.asked = (this.asked ?? 0) + 1;
    const rows = this.rows.map((cells) => Object.fromEntries([
      ["column", cells[0].closest("tr").querySelector("[name=column]").value],
      ...cells.map((cell) => [this.control(cell).name.split(":")[1], this.control(cell).value]),
    ]));
    try {
      const answer = await fetch(this.form.dataset.check, {
        method: "POST", body: JSON.stringify({ rows }),
        headers: { "Content-Type": "application/json", "X-CSRF-Token": csrfToken(), Accept: "application/json" },
      });
      if (!answer.ok) { say("bad", (await answer.json()).error?.message ?? answer.status); return null; }
      const { faults } = await answer.json();
      if (number === this.asked) this.tell(faults);
      return faults;
    } catch {
      say("bad", t("连接不上服务器，请检查网络后重试。", "The server cannot be reached; check the network and try again."));
      return null;
    }
  }

  tell(faults) {
    const words = (fault) => t(fault.text.zh, fault.text.en);
    for (const cells of this.rows) for (const cell of cells) { cell.classList.remove("wrong"); cell.removeAttribute("title"); this.control(cell).removeAttribute("aria-invalid"); }
    const list = this.faults.querySelector("ul");
    list.replaceChildren(...faults.map((fault) => {
      const line = document.createElement("li"), go = document.createElement("button");
      const cell = this.rows[fault.row]?.find((one) => this.control(one).name.endsWith(`:${fault.field}`));
      const head = cell ? this.table.tHead.rows[0].cells[[...cell.parentNode.cells].indexOf(cell)].textContent : "";
      go.type = "button";
      go.className = "btn quiet small";
      go.textContent = t(`第 ${fault.row + 1} 行 ${fault.column}${head && ` · ${head}`}`, `Row ${fault.row + 1} ${fault.column}${head && ` · ${head}`}`);
      if (cell) {
        go.addEventListener("click", () => this.go(this.placeOf(cell)));
        cell.classList.add("wrong");
        cell.title = words(fault);
        this.control(cell).setAttribute("aria-invalid", "true");
      }
      line.append(go, ` ${words(fault)}`);
      return line;
    }));
    this.faults.hidden = !faults.length;
  }

  async save() {
    this.commit();
    const faults = await this.check();
    if (faults === null) return;
    if (faults.length) { say("bad", t(`有 ${faults.length} 处不能保存，一行也没有存。`, `${faults.length} cells cannot be saved, so no row was.`)); this.faults.scrollIntoView({ block: "nearest" }); return; }
    this.leaving = true;
    this.form.submit();
  }
}

for (const form of document.querySelectorAll("[data-grid]")) new Grid(form);
