"use strict";

const byId = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

// The server takes more; a page of them could not be read.
const MOST_AT_ONCE = 48;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function say(text, isError = false) {
  byId("status").textContent = text;
  byId("status").className = isError ? "error" : "";
}

async function answerOf(response) {
  const answer = await response.json().catch(
    () => ({ error: `the server answered ${response.status}` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function bar(share) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS(namespace, "rect");
  rect.setAttribute("width", `${100 * share}%`);
  rect.setAttribute("height", "100%");
  svg.append(rect);
  return svg;
}

function picture(source, caption, className) {
  const image = element("img", { src: source, alt: "", className });
  return element("figure", {}, image, element("figcaption", {}, caption));
}

function table(predictions) {
  const rows = predictions.map(({ label, probability }) =>
    element("tr", {},
      element("th", { scope: "row" }, label),
      element("td", { className: "track" }, bar(probability)),
      element("td", {}, percent(probability))));
  return element("table", {}, element("tbody", {}, ...rows));
}

function card(image, result, answer) {
  const item = element("li");
  const { label, probability } = result.predictions[0];
  const title = element("h3", {},
    element("strong", {}, `${label}, ${percent(probability)}`), image.name);
  const pictures = element("div", { className: "pictures" });
  if (result.pixels) {
    pictures.append(
      picture(result.pixels, "what it gets", "pixels"),
      picture(result.heat_map, "where it looks"));
  } else {
    const source = URL.createObjectURL(image.blob);
    const shown = picture(source, "the image");
    shown.firstChild.addEventListener("load", () => URL.revokeObjectURL(source));
    pictures.append(shown);
  }
  item.append(title, pictures, table(result.predictions));
  if (image.label) {
    const isRight = image.label === label;
    item.append(element(
      "p", { className: `verdict ${isRight ? "right" : "wrong"}` },
      isRight ? "right" : `wrong: it is ${image.label}`));
  }
  item.append(element("p", { className: "note" },
    `${answer.milliseconds.toFixed(1)} ms by ${answer.runtime}`));
  return item;
}

async function classify(image) {
  const form = new FormData();
  form.append("images", image.blob, image.name);
  const path = byId("explain").checked ? "/explain" : "/predict";
  const answer = await answerOf(
    await fetch(path, { method: "POST", body: form }));
  return card(image, answer.images[0], answer);
}

let latest = 0;

async function classifyAll(images) {
  const turn = ++latest;
  const chosen = images.slice(0, MOST_AT_ONCE);
  const problems = [];
  if (chosen.length < images.length) {
    problems.push(`the first ${MOST_AT_ONCE} of ${images.length} are shown`);
  }
  byId("results").replaceChildren();
  for (const [i, image] of chosen.entries()) {
    say(`${i + 1} of ${chosen.length} ...`);
    try {
      const shown = await classify(image);
      if (turn !== latest) return;  // other images have been given
      byId("results").append(shown);
    } catch (error) {
      if (turn !== latest) return;
      problems.push(`${image.name}: ${error.message}`);
    }
  }
  const count = byId("results").childElementCount;
  const classified = `${count} ${count === 1 ? "image" : "images"} classified`;
  say([classified, ...problems].join("; "), problems.length > 0);
}

const ofFiles = (files) =>
  [...files].map((file) => ({ blob: file, name: file.name || "pasted image" }));

function begin(images) {
  if (images.length) {
    classifyAll(images);
  } else {
    say("no image among what was given", true);
  }
}

async function draw() {
  try {
    const samples = await answerOf(await fetch("/samples"));
    classifyAll(await Promise.all(samples.map(async ({ label, image }) => {
      const bytes = Uint8Array.from(atob(image.split(",")[1]), (c) => c.charCodeAt(0));
      return { blob: new Blob([bytes], { type: "image/png" }), name: "test image", label };
    })));
  } catch (error) {
    say(error.message, true);
  }
}

async function showModel() {
  const model = await answerOf(await fetch("/model"));
  const [low, high] = model.test_accuracy_ci95.map(percent);
  byId("title").textContent = model.title;
  document.title = model.title;
  byId("card").textContent =
    `${percent(model.test_accuracy)} of ${model.num_test_examples.toLocaleString("en")} ` +
    `test images are classified right (95 % interval ${low} to ${high}). ` +
    `${model.num_params.toLocaleString("en")} parameters; ${model.runtime} computes.`;
  byId("classes").textContent = model.classes.join(", ");
  byId("substitute").hidden = model.dataset !== "synthetic10";
}

byId("curl").textContent =
  `curl -F images=@ship.jpg -F images=@dog.jpg ${location.origin}/predict\n` +
  `curl -H 'Content-Type: image/jpeg' --data-binary @ship.jpg ${location.origin}/predict`;
byId("files").addEventListener("change", (event) => {
  begin(ofFiles(event.target.files));
  event.target.value = "";  // the same file again is a change, too
});
byId("draw").addEventListener("click", draw);
document.addEventListener("paste", (event) => begin(ofFiles(event.clipboardData.files)));
for (const type of ["dragenter", "dragover"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    byId("drop").classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) byId("drop").classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  byId("drop").classList.remove("over");
  begin(ofFiles(event.dataTransfer.files));
});
showModel().catch((error) => say(error.message, true));
