// Saves the chart beside it. Plotly is inside Streamlit's bundle and not reachable by name, but the
// chart's own "download" button is: set the format it will use, and press it.

export default function (component) {
  const { data: [data], parentElement } = component;
  const row = parentElement.querySelector(".row");
  row.replaceChildren(...["png", "svg"].map((format) => button(format, data)));
}

function button(format, data) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = format.toUpperCase();
  made.title = `Save this figure as ${format.toUpperCase()}`;
  made.onclick = () => save(format, data, made);
  return made;
}

function save(format, data, pressed) {
  const holder = document.getElementsByClassName(`st-key-${data.chart.replace(/[^a-zA-Z0-9_-]/g, "-")}`)[0];
  const plot = holder?.querySelector(".js-plotly-plot");
  const icon = [...(plot?.querySelectorAll(".modebar-btn") ?? [])].find((one) =>
    /download/i.test(one.dataset.title ?? ""),
  );
  if (!plot?._context || !icon) {
    pressed.textContent = "not ready";
    return;
  }
  Object.assign(plot._context.toImageButtonOptions, { format, filename: data.name, scale: 2 });
  icon.click();
}
