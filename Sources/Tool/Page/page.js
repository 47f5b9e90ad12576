"use strict";

// What all pages do: photographs and heat maps are shown large on a click, times are the reader's own.

const viewer = document.createElement("dialog");
viewer.className = "viewer";
viewer.setAttribute("aria-label", "Frame and heat map, enlarged");
let shown = null;

function view(card) {
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => viewer.close());
  shown = card;
  const copy = card.cloneNode(true);
  copy.removeAttribute("id");
  copy.classList.remove("new");
  viewer.replaceChildren(copy, close);
  if (!viewer.open) viewer.showModal();
}

/** The next card with pictures that is not filtered out, in one direction. */
function neighbour(card, direction) {
  do card = card && card[direction + "ElementSibling"];
  while (card && !(card.querySelector(".pictures") && card.offsetParent));
  return card;
}

viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
viewer.addEventListener("close", () => {
  const button = shown && shown.querySelector(".pictures");
  if (button) button.focus();
});
viewer.addEventListener("keydown", (event) => {
  const direction = { ArrowRight: "next", ArrowLeft: "previous" }[event.key];
  const card = direction && neighbour(shown, direction);
  if (card) view(card);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest(".pictures");
  if (button && !viewer.contains(button)) view(button.closest(".card"));
});

function tellTimes(root) {
  for (const time of root.querySelectorAll("time")) {
    const date = new Date(time.dateTime);
    const isToday = date.toDateString() === new Date().toDateString();
    time.textContent = isToday ? date.toLocaleTimeString() : date.toLocaleString();
  }
}

addEventListener("DOMContentLoaded", () => {
  document.documentElement.classList.add("has-script");
  document.body.append(viewer);
  tellTimes(document);
});
