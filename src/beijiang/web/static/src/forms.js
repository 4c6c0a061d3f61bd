// Forms that only the explorer draws, and how a drawing becomes a picture.

/** data: {x, y, cells: [[column, row, value]], unit}; the scale is of one hue, its ends stand beside it. */
export function heat(data, base, token) {
  const values = data.cells.map((cell) => cell[2]);
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const axis = { ...base.axis, axisLabel: { ...base.axis.axisLabel, interval: "auto" } };
  return {
    ...base, grid: { left: 12, right: 24, top: 24, bottom: 64, containLabel: true },
    tooltip: { ...base.tooltip, trigger: "item", formatter: (item) => `${data.y[item.value[1]]} · ${data.x[item.value[0]]}: ${item.value[2].toLocaleString()}` },
    xAxis: { type: "category", data: data.x, ...axis }, yAxis: { type: "category", data: data.y, inverse: true, ...axis },
    visualMap: { min: low, max: high === low ? low + 1 : high, orient: "horizontal", left: "center", bottom: 0, text: [high.toLocaleString(), `${data.unit} ${low.toLocaleString()}`], textStyle: { color: token("--ink-2") }, inRange: { color: [token("--sky-wash"), token("--chart-1")] } },
    series: [{ type: "heatmap", data: data.cells, itemStyle: { borderColor: token("--card"), borderWidth: 1 } }],
  };
}

/** data: {points: [[x, y, rows]], x_name, y_name}; the area of a point is the rows that lie there. */
export function bubbles(data, base) {
  const most = Math.max(1, ...data.points.map((point) => point[2]));
  const size = (point) => (most === 1 ? 6 : 4 + 20 * Math.sqrt(point[2] / most));
  return {
    ...base, grid: { left: 12, right: 40, top: 32, bottom: 32, containLabel: true },
    tooltip: { ...base.tooltip, trigger: "item", formatter: (item) => `${data.x_name}: ${item.value[0]}\n${data.y_name}: ${item.value[1]}\n× ${item.value[2]}` },
    xAxis: { type: "value", name: data.x_name, nameLocation: "middle", nameGap: 26, scale: true, ...base.axis },
    yAxis: { type: "value", name: data.y_name, scale: true, ...base.axis },
    series: [{ type: "scatter", symbolSize: size, itemStyle: { opacity: 0.7 }, data: data.points }],
  };
}

/** Put the title above and the source below a drawing that leaves the page; said: {title, source}. */
export function titled(option, said, token) {
  const words = (text, size, place) => ({ text, left: 20, textStyle: { color: token("--ink"), fontSize: size, fontWeight: "normal", width: 1150, overflow: "break" }, ...place });
  const grid = option.grid && { ...option.grid, top: 70, bottom: option.visualMap ? 100 : 70, left: 20 };
  const legend = option.legend && { ...option.legend, bottom: 40 };
  const visualMap = option.visualMap && { ...option.visualMap, bottom: 40 };
  return { ...option, ...(grid && { grid }), ...(legend && { legend }), ...(visualMap && { visualMap }), backgroundColor: token("--card"), title: [words(said.title, 22, { top: 16 }), words(said.source, 14, { bottom: 10 })] };
}

export function save(chart, form, title) {
  const link = document.createElement("a");
  link.download = `${title}.${form}`;
  link.href = form === "svg" ? URL.createObjectURL(new Blob([chart.renderToSVGString()], { type: "image/svg+xml" })) : chart.getDataURL({ type: "png", pixelRatio: 2 });
  link.click();
  if (form === "svg") setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
