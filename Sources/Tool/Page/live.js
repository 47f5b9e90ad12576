"use strict";

// The page of cflowad serve: asks the server for itself every second, with the threshold that is looked at, and takes over what
// has changed. The server decides and words everything.

const field = (id) => document.getElementById(id);
const [slider, threshold, percent] = ["slider", "threshold", "percent"].map(field);
let query = location.search;
let tag = null;
let isAsking = false;
let isStale = false;

/** Takes over another state of the page. Cards keep their pictures; what somebody is typing into stays. */
function take(page) {
  tellTimes(page);
  for (const part of page.querySelectorAll("[data-part]")) {
    const own = field(part.id);
    if (own.innerHTML !== part.innerHTML) own.innerHTML = part.innerHTML;
  }
  const gallery = field("gallery");
  const cards = [...page.getElementById("gallery").children];
  const names = new Set(cards.map((card) => card.id));
  for (const card of [...gallery.children]) if (!names.has(card.id)) card.remove();
  cards.forEach((card, place) => {
    const own = field(card.id);
    if (!own) {
      card.classList.add("new");
      return gallery.insertBefore(card, gallery.children[place] || null);
    }
    if (own.className !== card.className) own.className = card.className;
    const [old, caption] = [own, card].map((card) => card.querySelector("figcaption"));
    if (old.innerHTML !== caption.innerHTML) old.innerHTML = caption.innerHTML;
  });
  for (const name of ["min", "max"]) slider[name] = page.getElementById("slider")[name];
  for (const input of [slider, threshold, percent]) {
    if (input && input !== document.activeElement) input.value = page.getElementById(input.id).value;
  }
  for (const input of document.querySelectorAll("#export input")) {
    input.value = page.querySelector(`#export input[name=${input.name}]`).value;
  }
}

function say(text, isWrong) {
  const message = field("message");
  if (!message) return;
  message.textContent = text;
  message.className = isWrong ? "wrong" : "";
}

async function ask() {
  isStale = isAsking;
  if (isAsking) return;
  isAsking = true;
  try {
    const response = await fetch("/" + query, { cache: "no-store", headers: tag ? { "If-None-Match": tag } : {} });
    if (response.status === 200) {
      tag = response.headers.get("ETag");
      take(new DOMParser().parseFromString(await response.text(), "text/html"));
    } else if (response.status !== 304) {
      field("changes").textContent = await response.text();
    }
    document.body.classList.remove("away");
  } catch {
    document.body.classList.add("away");
    field("status").textContent = "The page is not served any more. What was there last is shown.";
    tag = null;
  }
  isAsking = false;
  if (isStale) ask();
}

function choose(name, value) {
  query = name && value !== "" ? `?${name}=${encodeURIComponent(value)}` : "";
  history.replaceState(null, "", "/" + query);
  ask();
}

slider.addEventListener("input", () => {
  // As many digits as tell two places of the slider from each other.
  threshold.value = Number(slider.value).toPrecision(5);
  choose("threshold", threshold.value);
});
threshold.addEventListener("input", () => choose("threshold", threshold.value));
if (percent) percent.addEventListener("input", () => choose("percent", percent.value));
field("own").addEventListener("click", (event) => {
  event.preventDefault();
  choose();
});
field("choice").addEventListener("submit", (event) => event.preventDefault());

const form = field("export");
if (form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.dataset.question && !confirm(form.dataset.question)) return;
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const response = await fetch("/export", { method: "POST", body: new URLSearchParams(new FormData(form)) });
      say(await response.text(), !response.ok);
    } catch {
      say("The page is not served any more: nothing was written.", true);
    }
    button.disabled = false;
    ask();
  });
}

setInterval(() => { if (!document.hidden) ask(); }, 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
