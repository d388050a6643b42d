// One large picture. A click shows it at its own size, another fits it again.

export default function (component) {
  const { data: [data], parentElement } = component;
  const box = parentElement.querySelector(".box");
  const img = parentElement.querySelector("img");
  const gone = parentElement.querySelector(".gone");
  gone.hidden = true;
  img.hidden = false;
  img.onerror = () => {
    img.hidden = true;
    gone.hidden = false;
    gone.textContent = data.gone;
  };
  img.alt = data.alt;
  if (img.getAttribute("src") !== data.url) img.src = data.url;
  box.onclick = () => box.classList.toggle("natural");
}
