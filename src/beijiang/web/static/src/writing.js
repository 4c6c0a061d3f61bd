// The open page of an application that is being written is told whenever a file of its folder was saved.
export function watchFolder() {
  const place = document.querySelector("[data-folder-changes]");
  if (!place) return;
  const source = new EventSource(place.dataset.folderChanges);
  source.addEventListener("changed", () => document.body.dispatchEvent(new CustomEvent("folder-changed")));
  addEventListener("pagehide", () => source.close());
}
