"use strict";
for (const box of document.querySelectorAll("figure")) {
  const drawn = JSON.parse(box.querySelector("script").textContent);
  const options = { responsive: true, displaylogo: false };
  Plotly.newPlot(box.querySelector(".plot"), drawn.data, drawn.layout, options);
}

// Tables of class "sort": a click on a heading sorts, a second one the other way; a field filters.
function value(row, column) {
  const cell = row.cells[column];
  const number = parseFloat(cell.dataset.by ?? cell.textContent.replaceAll(",", ""));
  return Number.isNaN(number) ? cell.textContent : number;
}

function order(body, column, way) {
  const rows = [...body.rows].map((row) => [value(row, column), row]);
  const empty = (key) => key === "" || key === "n/a";
  rows.sort(([a], [b]) => {
    if (empty(a) || empty(b)) return empty(a) - empty(b);
    const both = typeof a === "number" && typeof b === "number";
    return way * (both ? a - b : String(a).localeCompare(String(b)));
  });
  body.append(...rows.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table.sort")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    let way = head.classList.contains("n") ? 1 : -1;
    button.addEventListener("click", () => order(table.tBodies[0], column, (way = -way)));
  });
  const field = document.createElement("input");
  field.placeholder = field.ariaLabel = "Search";
  field.addEventListener("input", () => {
    const wanted = field.value.toLocaleLowerCase();
    for (const row of table.tBodies[0].rows)
      row.hidden = !row.textContent.toLocaleLowerCase().includes(wanted);
  });
  table.closest(".scroll").before(field);
}
