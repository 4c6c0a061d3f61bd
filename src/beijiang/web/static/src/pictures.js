// Pictures as PNG: the server's SVG (with its grade and receipts) is drawn on a canvas and handed over as a file.
import { announce, once } from "./page.js";

const SCALE = 2; // dots for each pixel, so that print is sharp
const MOST = 8192; // no side of a canvas is longer, or a browser draws nothing

export function installPictures(root) {
  once(root, "[data-png]", "ready", (button) => {
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await save(button.dataset.png);
      } catch {
        announce("bad", 0, null);
      }
      button.disabled = false;
    });
  });
}

async function save(address) {
  const answer = await fetch(address);
  if (!answer.ok) {
    announce("bad", answer.status, answer.headers.get("X-Request-ID"));
    return;
  }
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(await answer.text())}`;
  await picture.decode();
  const scale = Math.min(SCALE, MOST / picture.width, MOST / picture.height);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const brush = canvas.getContext("2d");
  brush.fillStyle = "#ffffff";
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const file = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = named(answer.headers.get("Content-Disposition"));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Return the name that the server gave the picture, as that of a PNG. */
function named(disposition) {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition ?? "");
  return (encoded ? decodeURIComponent(encoded[1]) : "graph.svg").replace(/\.svg$/, ".png");
}
