// Follow a running job: ask its JSON address until it ends, then reload the page so that the server shows the result.
import { isLive } from "./live.js";
import { once, say, t } from "./page.js";

const FASTEST = 1000;
const SLOWEST = 8000;
const ENDED = new Set(["succeeded", "done", "failed", "cancelled"]);

export function watchJobs(root) {
  once(root, "[data-job]", "watching", (element) => follow(element, FASTEST));
}

async function follow(element, wait) {
  await moved(isLive() ? SLOWEST : wait);
  if (!element.isConnected) return;
  if (document.hidden) return follow(element, wait);
  try {
    const answer = await fetch(element.dataset.job, { headers: { Accept: "application/json" } });
    if (answer.status === 401 || answer.status === 404) return undefined;
    if (!answer.ok) return follow(element, Math.min(wait * 2, SLOWEST));
    const job = await answer.json();
    if (ENDED.has(job.state)) return location.reload();
    show(element, job);
  } catch {
    say("warn", t("暂时连接不上，正在重试。", "The connection is lost for the moment; trying again."));
    return follow(element, Math.min(wait * 2, SLOWEST));
  }
  return follow(element, FASTEST);
}

/** Wait for a while, or until the page is told that jobs moved. */
function moved(wait) {
  return new Promise((resolve) => {
    const done = () => { clearTimeout(timer); document.body.removeEventListener("jobs-moved", done); resolve(); };
    const timer = setTimeout(done, wait);
    document.body.addEventListener("jobs-moved", done);
  });
}

function show(element, job) {
  const bar = element.querySelector("progress");
  const { done, total } = job.progress ?? job;
  if (bar && total > 0) bar.value = done / total;
  const words = element.querySelector("[data-job-words]");
  if (words) words.textContent = total > 0 ? `${done.toLocaleString()} / ${total.toLocaleString()}` : job.state;
}
