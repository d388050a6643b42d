// The image grid. Everything that comes from data is set through textContent or an attribute;
// no text is ever parsed as HTML.

const NEAR = "M10 4a6 6 0 1 0 3.7 10.7l4.8 4.8 1.4-1.4-4.8-4.8A6 6 0 0 0 10 4Zm0 2a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z";

export default function (component) {
  const { data: [data], parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".root");
  const cells = parentElement.querySelector(".cells");
  const empty = parentElement.querySelector(".empty");
  const send = (name, index) =>
    setTriggerValue(name, { row: data.cells[index].row, index, token: data.token });

  root.className = `root ${data.layout} ${data.size}`;
  root.style.setProperty("--accent", data.accent);
  empty.textContent = data.cells.length ? "" : data.empty;
  empty.hidden = data.cells.length > 0;
  if (root.dataset.token !== data.token) {
    const focused = [...cells.children].indexOf(parentElement.activeElement?.closest(".cell"));
    cells.replaceChildren(...data.cells.map((cell, index) => draw(cell, index, data)));
    root.dataset.token = data.token;
    if (focused >= 0) focus(cells, Math.min(focused, data.cells.length - 1));
  }
  mark(cells, data.current);

  cells.onclick = (event) => {
    const cell = event.target.closest(".cell");
    if (!cell) return;
    send(event.target.closest(".similar") ? "similar" : "open", indexOf(cells, cell));
  };
  cells.onkeydown = (event) => {
    const cell = event.target.closest(".cell");
    if (!cell || event.altKey || event.ctrlKey || event.metaKey) return;
    const here = indexOf(cells, cell);
    if (event.key === "s" && data.similar) {
      send("similar", here);
    } else {
      const there = target(cells, here, event.key);
      if (there === null) return;
      focus(cells, there);
    }
    event.preventDefault();
    event.stopPropagation();
  };
}

function indexOf(cells, cell) {
  return [...cells.children].indexOf(cell);
}

// Where an arrow key leads from cell `here`; null when the key means nothing to the grid.
function target(cells, here, key) {
  const last = cells.children.length - 1;
  const across = columns(cells);
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across };
  if (key === "Home") return 0;
  if (key === "End") return last;
  if (!(key in steps)) return null;
  const there = here + steps[key];
  return there < 0 || there > last ? here : there;
}

function columns(cells) {
  const all = [...cells.children];
  const top = all[0].offsetTop;
  const second = all.findIndex((cell) => cell.offsetTop > top + 2);
  return second < 0 ? all.length : second;
}

function focus(cells, index) {
  [...cells.children].forEach((cell, at) => {
    cell.querySelector(".open").tabIndex = at === index ? 0 : -1;
  });
  cells.children[index]?.querySelector(".open").focus({ preventScroll: false });
}

function mark(cells, current) {
  for (const cell of cells.children) {
    cell.classList.toggle("current", current !== null && Number(cell.dataset.row) === current);
  }
}

function element(name, kind, text) {
  const made = document.createElement(name);
  made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}

function draw(cell, index, data) {
  const box = element("div", cell.marked ? "cell marked" : "cell");
  box.dataset.row = cell.row;
  box.setAttribute("role", "listitem");
  const open = element("button", "open");
  open.type = "button";
  open.tabIndex = index === 0 ? 0 : -1;
  open.setAttribute("aria-label", [cell.title, cell.text, cell.score].filter(Boolean).join(", "));
  if (cell.hint) open.title = cell.hint;
  if (data.layout === "list" && cell.rank) open.append(element("span", "rank", cell.rank));
  if (cell.url) open.append(frame(cell, data));
  if (data.layout !== "list") open.append(...bar(cell));
  open.append(words(cell));
  if (data.layout === "list") {
    open.append(...bar(cell));
    if (cell.score) open.append(element("span", "score", cell.score));
  }
  box.append(open);
  if (data.similar && cell.url) box.append(similar(cell));
  return box;
}

function frame(cell, data) {
  const made = element("span", "frame");
  const img = document.createElement("img");
  img.loading = "lazy";
  img.decoding = "async";
  img.alt = "";
  img.onerror = () => made.classList.add("gone");
  img.src = cell.url;
  made.append(img);
  if (cell.part) enlarge(img, cell.part);
  if (cell.part && cell.outline) made.append(outline(cell.outline, cell.part));
  if (data.layout !== "list") {
    if (cell.rank) made.append(element("span", "rank", cell.rank));
    if (cell.score) made.append(element("span", "score", cell.score));
  }
  return made;
}

// Shows one part of the picture (shares of it) in the whole frame.
function enlarge(img, [left, top, right, bottom]) {
  const [width, height] = [right - left, bottom - top];
  img.className = "part";
  place(img, -left / width, -top / height, 1 / width, 1 / height);
}

function outline([left, top, right, bottom], part) {
  const [width, height] = [part[2] - part[0], part[3] - part[1]];
  const made = element("i", "outline");
  place(made, (left - part[0]) / width, (top - part[1]) / height, (right - left) / width, (bottom - top) / height);
  return made;
}

function place(node, left, top, width, height) {
  const shares = { left, top, width, height };
  for (const [name, value] of Object.entries(shares)) node.style[name] = `${100 * value}%`;
}

function words(cell) {
  const made = element("span", "words");
  if (cell.title) made.append(element("span", "title", cell.title));
  if (cell.text) made.append(element("span", "text", cell.text));
  if (cell.note) made.append(element("span", "note", cell.note));
  if (!made.children.length) made.hidden = true;
  return made;
}

function bar(cell) {
  if (cell.share === null || cell.share === undefined) return [];
  const made = element("span", "bar");
  const fill = document.createElement("i");
  fill.style.width = `${Math.round(100 * Math.max(0, Math.min(1, cell.share)))}%`;
  made.append(fill);
  return [made];
}

function similar(cell) {
  const made = element("button", "similar");
  made.type = "button";
  made.title = "Find similar";
  made.setAttribute("aria-label", `Find similar to ${cell.title || cell.row}`);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", NEAR);
  path.setAttribute("fill", "currentColor");
  svg.append(path);
  made.append(svg);
  return made;
}
