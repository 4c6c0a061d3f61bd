// Light or dark: the system decides until somebody chooses; the choice is a cookie, so the server draws the right page at once.

const YEAR = 31536000;

export function installTheme() {
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const next = current() === "dark" ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      document.cookie = `bj_theme=${next}; Path=/; Max-Age=${YEAR}; SameSite=Lax`;
      document.dispatchEvent(new CustomEvent("theme"));
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    document.dispatchEvent(new CustomEvent("theme")),
  );
}

/** Return the theme that is showing. */
export function current() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
