// A file form gains a drop zone and a progress bar. Without this module the form posts as any form does.
import { announce, csrfToken, once, say, t } from "./page.js";

export function installUploads(root) {
  once(root, "form[data-upload]", "uploading", (form) => {
    const input = form.querySelector("input[type=file]");
    if (!input) return;
    const zone = form.querySelector(".drop") ?? form;
    for (const kind of ["dragenter", "dragover"]) {
      form.addEventListener(kind, (event) => {
        event.preventDefault();
        zone.classList.add("over");
      });
    }
    form.addEventListener("dragleave", (event) => {
      if (!form.contains(event.relatedTarget)) zone.classList.remove("over");
    });
    form.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      say("ok", t(`已选择 ${input.files[0]?.name}`, `${input.files[0]?.name} chosen`));
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
    if ("atOnce" in form.dataset) input.addEventListener("change", () => input.files.length && form.requestSubmit());
  });
}

function send(form) {
  const bar = progressOf(form);
  const button = form.querySelector("button:not([type=button])");
  const request = new XMLHttpRequest();
  const finish = () => {
    bar.hidden = true;
    if (button) button.disabled = false;
  };
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  if (csrfToken()) request.setRequestHeader("X-CSRF-Token", csrfToken());
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
  });
  request.addEventListener("load", () => {
    if (request.status < 400) {
      location.assign(request.responseURL || location.href);
      return;
    }
    finish();
    const words = new DOMParser().parseFromString(request.responseText, "text/html").querySelector("main p");
    const place = form.querySelector("[data-said]");
    if (words && place) {
      place.textContent = `■ ${words.textContent.trim()}`;
      place.hidden = false;
    } else announce("bad", request.status, request.getResponseHeader("X-Request-ID"));
  });
  request.addEventListener("error", () => {
    finish();
    announce("bad", 0, null);
  });
  form.querySelector("[data-said]")?.setAttribute("hidden", "");
  bar.value = 0;
  bar.hidden = false;
  if (button) button.disabled = true;
  request.send(new FormData(form));
}

function progressOf(form) {
  const present = form.querySelector("progress");
  if (present) return present;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.setAttribute("aria-label", t("上传进度", "Upload progress"));
  form.append(bar);
  return bar;
}
