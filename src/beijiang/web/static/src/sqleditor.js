// A text area that knows SQL: colours behind the text, a list of what may come next, a mark where the text is wrong.
import { t } from "./page.js";

const KEYWORDS = "SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT OFFSET JOIN LEFT RIGHT FULL INNER OUTER CROSS ON USING AS AND OR NOT IN IS NULL LIKE ILIKE BETWEEN EXISTS CASE WHEN THEN ELSE END DISTINCT UNION ALL EXCEPT INTERSECT WITH RECURSIVE OVER PARTITION ROWS RANGE PRECEDING FOLLOWING UNBOUNDED CURRENT ROW FILTER QUALIFY ASC DESC NULLS FIRST LAST CAST TRUE FALSE INTERVAL DATE TIMESTAMP LATERAL VALUES ROLLUP CUBE".split(" ");
const TOKEN = /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*'?)|("(?:[^"]|"")*"?)|([\p{L}_][\p{L}\p{N}_]*)|(\d+(?:\.\d+)?)|([\s\S])/gu;
const WORD = /(?:"[^"\n]*|[\p{L}_][\p{L}\p{N}_]*)$/u;
const PLAIN = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const MOST = 12;
const reserved = new Set(KEYWORDS);

const quoted = (name) => (PLAIN.test(name) && !reserved.has(name.toUpperCase()) ? name : `"${name.replaceAll('"', '""')}"`);

export class Editor {
  constructor(area) {
    this.area = area;
    this.known = { tables: [], functions: [] };
    this.held = new Map();
    this.fault = -1;
    this.offers = [];
    this.at = 0;
    const frame = Object.assign(document.createElement("div"), { className: "sql-editor" });
    this.paper = Object.assign(document.createElement("pre"), { className: "mono" });
    this.paper.setAttribute("aria-hidden", "true");
    this.list = Object.assign(document.createElement("ul"), { className: "sql-offers card", id: "sql-offers", hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", t("补全", "Completions"));
    area.before(frame);
    frame.append(this.paper, area, this.list);
    area.setAttribute("aria-autocomplete", "list");
    area.setAttribute("aria-controls", this.list.id);
    area.addEventListener("input", (event) => { this.fault = -1; this.paint(); if (!event.isComposing) this.offer(false); });
    area.addEventListener("compositionend", () => this.offer(false));
    area.addEventListener("scroll", () => this.follow());
    area.addEventListener("keydown", (event) => this.key(event));
    area.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    new ResizeObserver(() => this.follow()).observe(area);
    this.paint();
    fetch("/console/sql/words").then((answer) => answer.ok && answer.json()).then((words) => { if (words) this.known = words; });
  }

  get text() { return this.area.value; }

  /** Write a name where the cursor is. */
  insert(name) {
    this.area.focus();
    this.write(quoted(name), this.area.selectionStart, this.area.selectionEnd);
  }

  /** Return the columns of a table as its reader sees them; asked once. */
  async columns(table) {
    if (!this.held.has(table)) {
      this.held.set(table, fetch(`/console/sql/words?table=${encodeURIComponent(table)}`).then((answer) => (answer.ok ? answer.json() : { columns: [] })).then((found) => found.columns));
    }
    return this.held.get(table);
  }

  /** Mark the place (line and column from 1) where the server found fault; 0 for none. */
  mark(line, column) {
    const lines = this.text.split("\n");
    this.fault = line > 0 ? lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1 : -1;
    this.paint();
    if (this.fault >= 0) { this.area.focus(); this.area.setSelectionRange(this.fault, this.fault); }
  }

  paint() {
    const functions = new Set(this.known.functions);
    const parts = [];
    for (const found of this.text.matchAll(TOKEN)) {
      const [whole, comment, string, , word, number] = found;
      let kind = "";
      if (comment) kind = "comment";
      else if (string) kind = "string";
      else if (number) kind = "number";
      else if (word && reserved.has(word.toUpperCase())) kind = "keyword";
      else if (word && functions.has(word.toLowerCase())) kind = "function";
      const wrong = this.fault >= found.index && this.fault < found.index + whole.length;
      if (!kind && !wrong) { parts.push(whole); continue; }
      parts.push(Object.assign(document.createElement(wrong ? "mark" : "span"), { className: `sql-${wrong ? "fault" : kind}`, textContent: whole }));
    }
    this.paper.replaceChildren(...parts, "\n");
    this.follow();
  }

  follow() {
    this.paper.scrollTop = this.area.scrollTop;
    this.paper.scrollLeft = this.area.scrollLeft;
  }

  key(event) {
    if (event.key === " " && event.ctrlKey) { event.preventDefault(); this.offer(true); return; }
    if (this.list.hidden || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); this.choose((this.at + step + this.offers.length) % this.offers.length); }
    else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") { event.preventDefault(); this.take(this.offers[this.at]); }
    else if (event.key === "Escape") { event.preventDefault(); this.close(); }
  }

  /** Look for names that begin or hold the word before the cursor. */
  async offer(asked) {
    const end = this.area.selectionStart;
    const word = this.text.slice(0, end).match(WORD)?.[0] ?? "";
    const wanted = word.replace(/^"/, "").toLowerCase();
    if (!wanted && !asked) { this.close(); return; }
    const named = this.known.tables.filter((table) => this.text.includes(table.name)).slice(0, 5);
    const columns = (await Promise.all(named.map((table) => this.columns(table.name)))).flat();
    if (this.area.selectionStart !== end) return;
    const all = [
      ...columns.map((c) => ({ text: quoted(c.name), name: c.name, note: `${c.type} ${c.grade}${c.masked ? t(" 脱敏", " masked") : ""}`, kind: t("列", "column") })),
      ...this.known.tables.map((one) => ({ text: quoted(one.name), name: `${one.name} ${one.title}`, note: one.title === one.name ? "" : one.title, kind: t("表", "table") })),
      ...this.known.functions.map((name) => ({ text: `${name}(`, name, note: "", kind: t("函数", "function") })),
      ...(word.startsWith('"') ? [] : KEYWORDS.map((name) => ({ text: name, name, note: "", kind: "" }))),
    ];
    const rank = (one) => { const name = one.name.toLowerCase(); return name.startsWith(wanted) ? 0 : name.includes(wanted) ? 1 : 2; };
    const seen = new Set();
    this.offers = all.filter((one) => rank(one) < 2 && one.text !== word && !seen.has(one.text) && seen.add(one.text)).sort((a, b) => rank(a) - rank(b)).slice(0, MOST);
    if (!this.offers.length) { this.close(); return; }
    this.from = end - word.length;
    this.show();
  }

  show() {
    this.list.replaceChildren(...this.offers.map((one, i) => {
      const item = Object.assign(document.createElement("li"), { id: `sql-offer-${i}` });
      item.setAttribute("role", "option");
      item.append(one.text.replace(/\($/, ""), Object.assign(document.createElement("span"), { className: "small muted", textContent: `${one.note} ${one.kind}` }));
      item.addEventListener("mousedown", (event) => { event.preventDefault(); this.take(one); });
      return item;
    }));
    this.list.hidden = false;
    const [x, y] = this.place();
    this.list.style.left = `${Math.max(0, Math.min(x, this.area.clientWidth - 300))}px`;
    this.list.style.top = `${y}px`;
    this.choose(0);
  }

  /** Return where the word begins, below its line, in the frame of the text. */
  place() {
    const walker = document.createTreeWalker(this.paper, NodeFilter.SHOW_TEXT);
    let left = this.from;
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (left <= node.length) {
        const range = document.createRange();
        range.setStart(node, left);
        const [box, frame] = [range.getBoundingClientRect(), this.paper.parentElement.getBoundingClientRect()];
        return [box.left - frame.left, box.bottom - frame.top + 4];
      }
      left -= node.length;
    }
    return [0, 24];
  }

  choose(at) {
    this.at = at;
    [...this.list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    this.list.children[at].scrollIntoView({ block: "nearest" });
    this.area.setAttribute("aria-activedescendant", `sql-offer-${at}`);
  }

  take(one) {
    this.write(one.text, this.from, this.area.selectionStart);
    this.close();
  }

  /** Write as typing does, so that the browser can undo it. */
  write(text, from, to) {
    this.area.setSelectionRange(from, to);
    if (!document.execCommand("insertText", false, text)) this.area.setRangeText(text, from, to, "end");
    this.paint();
  }

  close() {
    this.list.hidden = true;
    this.area.removeAttribute("aria-activedescendant");
  }
}
