"use strict";
// Tables of class "sort": a click on a heading sorts, a second one the other way; a field filters.
// At most SHOWN rows are laid out: a browser needs seconds for tens of thousands.
const SHOWN = 500;

function value(row, column) {
  const cell = row.cells[column];
  const number = parseFloat(cell.dataset.by ?? cell.textContent.replaceAll(",", ""));
  return Number.isNaN(number) ? cell.textContent : number;
}

function sorted(rows, column, way) {
  const empty = (key) => key === "" || key === "n/a";
  const keyed = rows.map((row) => [value(row, column), row]);
  keyed.sort(([a], [b]) => {
    if (empty(a) || empty(b)) return empty(a) - empty(b);
    const both = typeof a === "number" && typeof b === "number";
    return way * (both ? a - b : String(a).localeCompare(String(b)));
  });
  return keyed.map(([, row]) => row);
}

for (const table of document.querySelectorAll("table.sort")) {
  const body = table.tBodies[0];
  const field = document.createElement("input");
  const amount = document.createElement("span");
  let rows = [...body.rows];
  const words = new Map(rows.map((row) => [row, row.textContent.toLocaleLowerCase()]));

  function show() {
    const wanted = field.value.toLocaleLowerCase();
    const found = rows.filter((row) => words.get(row).includes(wanted));
    body.replaceChildren(...found.slice(0, SHOWN));
    const shown = Math.min(SHOWN, found.length).toLocaleString("en");
    amount.textContent = ` ${shown} of ${found.length.toLocaleString("en")} shown`;
  }

  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    let way = head.classList.contains("n") ? 1 : -1;
    button.addEventListener("click", () => {
      way = -way;
      rows = sorted(rows, column, way);
      show();
    });
  });
  field.placeholder = field.ariaLabel = "Search";
  field.addEventListener("input", show);
  table.closest(".scroll").before(field, amount);
  show();
}

for (const box of document.querySelectorAll("figure")) {
  const drawn = JSON.parse(box.querySelector("script").textContent);
  const options = { responsive: true, displaylogo: false };
  Plotly.newPlot(box.querySelector(".plot"), drawn.data, drawn.layout, options);
}
