"use strict";
// Charts: the value at the point that the pointer, or the slider, is at.
for (const chart of document.querySelectorAll(".chart")) {
  const positions = JSON.parse(chart.dataset.positions);
  const readouts = JSON.parse(chart.dataset.readouts);
  if (!positions.length) continue;
  const svg = chart.querySelector("svg");
  const pointer = svg.querySelector(".pointer");
  const slider = chart.querySelector(".reader");
  const output = chart.querySelector("output");
  const show = (index) => {
    const x = positions[index] * svg.viewBox.baseVal.width;
    pointer.setAttribute("x1", x);
    pointer.setAttribute("x2", x);
    pointer.style.visibility = "visible";
    output.textContent = readouts[index];
    slider.value = index;
    slider.setAttribute("aria-valuetext", readouts[index]);
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width;
    const gaps = positions.map((position) => Math.abs(position - at));
    show(gaps.indexOf(Math.min(...gaps)));
  });
  slider.addEventListener("input", () => show(Number(slider.value)));
  slider.setAttribute("aria-valuetext", readouts[slider.value]);
  slider.hidden = positions.length < 2;
}

// The matrix: a cell opens its images.
const confusion = document.querySelector("[data-cells]");
if (confusion) {
  const cells = JSON.parse(confusion.dataset.cells);
  const names = JSON.parse(confusion.dataset.names);
  const panel = document.getElementById("cell");
  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    element.textContent = text;
    element.className = className || "";
    return element;
  };
  const percent = (share) => (share * 100).toFixed(1) + "%";
  const open = (button) => {
    const [truth, said] = button.dataset.cell.split(",").map(Number);
    const shown = cells[button.dataset.cell] || [];
    const count = button.textContent.match(/\d+$/)[0];
    const part = shown.length < Number(count) ? ", the surest " + shown.length : "";
    const list = make("ul", "", "gallery");
    for (const [column, row, probability, ofTruth] of shown) {
      const item = make("li", "");
      const thumb = make("span", "", "thumb");
      thumb.setAttribute("role", "img");
      thumb.setAttribute("aria-label", "test image of " + names[truth]);
      thumb.style.setProperty("--column", column);
      thumb.style.setProperty("--row", row);
      item.append(thumb, make("span", names[said] + " " + percent(probability), "said"));
      if (truth !== said) {
        item.append(make("span", names[truth] + " " + percent(ofTruth), "other"));
      }
      list.append(item);
    }
    const what = truth === said
      ? names[truth] + ", recognised: " + count
      : names[truth] + " taken for " + names[said] + ": " + count;
    panel.replaceChildren(make("h3", what + part), list);
    for (const other of confusion.querySelectorAll("[data-cell]")) {
      other.setAttribute("aria-pressed", String(other.dataset.cell === button.dataset.cell));
    }
  };
  confusion.addEventListener("click", (event) => {
    const button = event.target.closest("[data-cell]");
    if (button) open(button);
  });
}
