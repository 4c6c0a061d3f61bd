// The open page is told: how many notices are unread, and that jobs moved. Where no stream can be had, it asks from time to time.
const COUNT_EVERY = 30_000;
const JOBS_EVERY = 2000;

let source = null;
let timers = [];

/** Tell whether the page is told, so that others need not ask often. */
export const isLive = () => source?.readyState === 1;

export function installLive() {
  if (!document.querySelector("[data-notices]")) return;
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : begin()));
  addEventListener("pagehide", rest);
  if (!document.hidden) begin();
}

function begin() {
  rest();
  if (!("EventSource" in window)) return ask();
  source = new EventSource("/api/v1/notices/live");
  source.addEventListener("notices", (event) => show(JSON.parse(event.data).unread));
  source.addEventListener("jobs", moved);
  source.addEventListener("end", rest); // signed out: the next page that is opened says so
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) ask(); // refused; a mere break mends itself
  });
}

function rest() {
  source?.close();
  source = null;
  timers.forEach(clearInterval);
  timers = [];
}

function ask() {
  rest();
  timers = [setInterval(moved, JOBS_EVERY), setInterval(count, COUNT_EVERY)];
}

async function count() {
  const answer = await fetch("/api/v1/notices/count", { headers: { Accept: "application/json" } });
  if (answer.status === 401 || answer.status === 403) return rest();
  if (answer.ok) show((await answer.json()).unread);
}

const moved = () => document.body.dispatchEvent(new CustomEvent("jobs-moved"));

function show(unread) {
  for (const badge of document.querySelectorAll("[data-notices-count]")) {
    badge.textContent = unread;
    badge.hidden = !unread;
  }
}
