// What spreadsheets put on the clipboard: cells by tabs, rows by line ends, quotes around cells that hold either.

export function parse(text) {
  const rows = [[]];
  let cell = "", quoted = false, begun = false;
  const close = () => { rows.at(-1).push(cell); cell = ""; begun = false; };
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign === '"' && text[at + 1] === '"') { cell += '"'; at += 1; }
      else if (sign === '"') quoted = false;
      else cell += sign;
    } else if (sign === '"' && !begun) { quoted = true; begun = true; }
    else if (sign === "\t") close();
    else if (sign === "\n" || sign === "\r") {
      if (sign === "\r" && text[at + 1] === "\n") at += 1;
      close();
      rows.push([]);
    } else { cell += sign; begun = true; }
  }
  close();
  if (rows.length > 1 && rows.at(-1).length === 1 && rows.at(-1)[0] === "") rows.pop();
  return rows;
}

export function format(rows) {
  const quote = (cell) => (/[\t\n\r"]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return rows.map((row) => row.map(quote).join("\t")).join("\n");
}
