// Buttons that copy a piece of code: shown only where the browser lets a page write to the clipboard.
export function installCopies(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.querySelector(button.dataset.copy);
      await navigator.clipboard.writeText(source.textContent);
      const words = button.textContent;
      button.textContent = "✓";
      setTimeout(() => { button.textContent = words; }, 1200);
    });
  }
}
