// Copies the address of the view: everything that was chosen on the page is in it.

export default function (component) {
  const button = component.parentElement.querySelector("button");
  const words = button.querySelector("span");
  button.onclick = async () => {
    const copied = await copy(window.location.href);
    words.textContent = copied ? "Copied" : "Copy it from the address bar";
    setTimeout(() => (words.textContent = "Copy link to this view"), 1600);
  };
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
