// Draw every element that names its data: charts from rows already on the page, maps of points or regions.
import * as echarts from "echarts/core";
import { BarChart, EffectScatterChart, HeatmapChart, LineChart, MapChart, PieChart, ScatterChart } from "echarts/charts";
import { AriaComponent, DatasetComponent, GeoComponent, GridComponent, LegendComponent, TitleComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { CanvasRenderer, SVGRenderer } from "echarts/renderers";

import { bubbles, heat, save, titled } from "./forms.js";

echarts.use([
  BarChart, EffectScatterChart, HeatmapChart, LineChart, MapChart, PieChart, ScatterChart,
  AriaComponent, DatasetComponent, GeoComponent, GridComponent, LegendComponent, TitleComponent, TooltipComponent, VisualMapComponent, CanvasRenderer, SVGRenderer,
]);

const DASHES = ["solid", "dashed", "dotted", [8, 3, 2, 3]];
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "pin", "arrow", "roundRect", "emptyCircle"];
const TONES = { ok: "--steppe", warn: "--chart-2", bad: "--red", info: "--sky" };
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The colour of a state, nothing for what has none. */
const toned = (tone) => (TONES[tone] ? { color: token(TONES[tone]) } : undefined);

function palette() {
  return Array.from({ length: 8 }, (_, i) => token(`--chart-${i + 1}`));
}

/** Colours, fonts and lines of the page, so that a chart looks like the rest in both themes. */
function ground() {
  const ink = token("--ink-2");
  const line = { lineStyle: { color: token("--line") } };
  const axis = { axisLine: line, axisTick: line, splitLine: line, axisLabel: { color: ink, hideOverlap: true }, nameTextStyle: { color: ink } };
  return {
    color: palette(), axis, animation: !still, animationDuration: 150,
    textStyle: { fontFamily: token("--sans"), color: ink },
    tooltip: { renderMode: "richText", backgroundColor: token("--card"), borderColor: token("--line"), textStyle: { color: token("--ink") } },
    legend: { bottom: 0, textStyle: { color: ink }, icon: "roundRect" },
    aria: { enabled: true },
  };
}

/** data: {type, x, series: [{name, values}], unit, x_name}; width: pixels, where the names of bars must find room. */
function option(data, width) {
  const base = ground();
  if (data.type === "heat") return heat(data, base, token);
  if (data.type === "bubbles") return bubbles(data, base);
  if (data.type === "pie") {
    const items = data.x.map((name, i) => ({ name, value: data.series[0].values[i], itemStyle: toned(data.tones?.[i]) }));
    return { ...base, legend: undefined, aria: { enabled: true, decal: { show: true } }, tooltip: { ...base.tooltip, trigger: "item" }, series: [{ type: "pie", radius: ["38%", "68%"], data: items, label: { color: token("--ink-2") } }] };
  }
  if (data.type === "scatter") {
    return {
      ...base, grid: { left: 12, right: 24, top: 24, bottom: 40, containLabel: true }, tooltip: { ...base.tooltip, trigger: "item" },
      xAxis: { type: "value", name: data.x_name, scale: true, ...base.axis }, yAxis: { type: "value", name: data.series[0].name, scale: true, ...base.axis },
      series: [{ type: "scatter", symbolSize: 6, data: data.x.map((x, i) => [x, data.series[0].values[i]]) }],
    };
  }
  const long = lies(data, width);
  const names = { type: "category", data: data.x, name: data.x_name ?? "", inverse: long, ...base.axis, axisLabel: { ...base.axis.axisLabel, interval: data.along || data.x.length > 40 ? "auto" : 0 } };
  const values = { type: "value", name: long ? "" : data.unit ?? "", ...base.axis };
  return {
    ...base, legend: data.series.length > 1 ? base.legend : undefined,
    grid: { left: 12, right: 24, top: 32, bottom: data.series.length > 1 ? 16 + 24 * lines(data.series, width) : 12, containLabel: true },
    tooltip: { ...base.tooltip, trigger: "axis" },
    xAxis: long ? values : names, yAxis: long ? names : values,
    series: data.series.map((s, i) => ({
      name: s.name, type: data.type === "area" ? "line" : data.type, data: s.values, itemStyle: toned(s.tone), barMaxWidth: data.tight ? undefined : 28, barCategoryGap: data.tight ? "4%" : undefined, stack: data.stacked ? "all" : undefined, symbol: SYMBOLS[i % 8], connectNulls: false,
      areaStyle: data.type === "area" ? { opacity: 0.18 } : undefined, lineStyle: { type: DASHES[i % 4], width: 2 },
    })),
  };
}

/** Lines that the legend takes. */
const lines = (series, width) => Math.ceil((room(series.map((s) => s.name)) + 34 * series.length) / width);

/** Bars lie where their names find no room side by side; along time and numbers they stand, with fewer names. */
const lies = (data, width) => data.type === "bar" && !data.along && room(data.x) > width - 60;

/** Pixels that the names along an axis take side by side: 12 for a Chinese character, 7 for a Latin one, and air between. */
function room(names) {
  const wide = (name) => [...String(name)].reduce((sum, letter) => sum + (letter > "\u2e80" ? 12 : 7), 10);
  return names.length * Math.max(0, ...names.map(wide));
}

/** data: {points: [{name, lon, lat, value}], boundary: address or null, attribution} */
async function mapOption(data) {
  const base = ground();
  const points = data.points.map((p) => ({ name: p.name, value: [p.lon, p.lat, p.value ?? 1] }));
  const tooltip = { ...base.tooltip, trigger: "item", formatter: (item) => item.name };
  if (data.boundary) {
    const answer = await fetch(data.boundary);
    if (answer.ok) {
      echarts.registerMap("region", await answer.json());
      return {
        ...base, tooltip, geo: { map: "region", roam: false, itemStyle: { areaColor: token("--sky-wash"), borderColor: token("--line") } },
        series: [{ type: "scatter", coordinateSystem: "geo", symbolSize: 7, data: points }],
      };
    }
  }
  return {
    ...base, tooltip, grid: { left: 12, right: 24, top: 24, bottom: 12, containLabel: true },
    xAxis: { type: "value", scale: true, name: "°E", ...base.axis }, yAxis: { type: "value", scale: true, name: "°N", ...base.axis },
    series: [{ type: "scatter", symbolSize: 7, data: points }],
  };
}

const drawn = new Map();

/** The data that an element names: in a script, or in a template where fragments bring it, whose scripts are taken away. */
function named(element) {
  const source = document.getElementById(element.dataset.map ?? element.dataset.chart);
  return source && JSON.parse((source.content ?? source).textContent);
}

async function paint(element, data, isMap) {
  drawn.get(element)?.dispose();
  if (!isMap && data.type === "bar" && data.x.length > 12 && lies(data, element.clientWidth)) element.style.height = `${80 + 26 * data.x.length}px`;
  const chart = echarts.init(element, null, { renderer: "canvas" });
  drawn.set(element, chart);
  chart.setOption(isMap ? await mapOption(data) : option(data, element.clientWidth));
}

export function draw(root = document) {
  for (const element of root.querySelectorAll("[data-chart], [data-map]")) {
    if (drawn.has(element)) continue;
    const isMap = "map" in element.dataset;
    const data = named(element);
    if (!data) continue;
    paint(element, data, isMap);
    document.addEventListener("theme", () => element.isConnected && paint(element, data, isMap));
    new ResizeObserver(() => element.isConnected && drawn.get(element)?.resize()).observe(element);
  }
}

/** Save the drawing of an element as a file, with its title above and its source below; form: png or svg. */
export async function picture(element, form) {
  const isMap = "map" in element.dataset;
  const data = named(element);
  const width = 1200;
  const tall = !isMap && data.type === "bar" && data.x.length > 12 && lies(data, width);
  const height = tall ? 170 + 26 * data.x.length : 720;
  const chart = echarts.init(document.createElement("div"), null, { renderer: form === "svg" ? "svg" : "canvas", width, height, devicePixelRatio: 2 });
  const plain = isMap ? await mapOption(data) : option(data, width);
  chart.setOption(titled({ ...plain, animation: false }, element.dataset, token));
  save(chart, form, element.dataset.title);
  chart.dispose();
}

draw();
document.addEventListener("htmx:load", (event) => draw(event.detail.elt)); // told to what came; other events of a swap are told to what went
document.addEventListener("chart:draw", (event) => draw(event.detail));
