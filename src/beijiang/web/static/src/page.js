// What the modules share about the page they stand on: its language, its token, its voice.

export const chinese = () => document.documentElement.lang.startsWith("zh");

/** Choose the wording in the page's language. */
export const t = (zh, en) => (chinese() ? zh : en);

/** Return the session's form token, or an empty text for visitors. */
export const csrfToken = () => document.querySelector('meta[name="csrf"]')?.content ?? "";

/** Run `work` once for each element under `root` that matches, however often a fragment is enhanced. */
export function once(root, selector, mark, work) {
  const found = [...(root.querySelectorAll?.(selector) ?? [])];
  if (root.matches?.(selector)) found.push(root);
  for (const element of found) {
    if (element.dataset[mark]) continue;
    element.dataset[mark] = "1";
    work(element);
  }
}

const REASONS = {
  0: ["连接不上服务器，请检查网络后重试。", "The server cannot be reached; check the network and try again."],
  401: ["登录已过期，请重新登录。", "The sign-in has expired; sign in again."],
  403: ["没有权限，或页面已过期，请刷新后重试。", "Not allowed, or the page is out of date; reload it."],
  404: ["没有找到，或者您无权查看。", "Not found, or you may not see it."],
  413: ["内容太大。", "The content is too large."],
  429: ["操作太频繁，请稍后再试。", "Too many requests; wait a moment."],
  503: ["服务暂时不可用，请稍后再试。", "The service is not available for the moment; try again later."],
};

/** Say in the page's status line what happened. */
export function announce(level, status, requestId) {
  const words = t(...(REASONS[status] ?? ["操作没有完成。", "The request was not completed."]));
  say(level, requestId ? `${words} ${t("请求编号", "Request id")} ${requestId}` : words);
}

export function say(level, words) {
  const line = document.getElementById("announce");
  if (!line) return;
  line.textContent = words;
  line.className = `toast ${level}`;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (line.className = "visually-hidden"), 8000);
}
