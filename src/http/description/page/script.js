"use strict";
// Nothing of the page depends on this; it makes it handier.

// The commands name the server that the page came from.
const preparation = document.querySelector("#preparation code");
preparation.textContent = preparation.textContent.replace("http://127.0.0.1:8080", location.origin);

// A button to copy each command.
if (navigator.clipboard) {
  for (const block of document.querySelectorAll(".code")) {
    const button = document.createElement("button");
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.append(button);
  }
}

// The search field leaves those operations in the contents that have all words; Enter goes to the
// first of them, Escape shows all again, and a slash leads to the field.
const search = document.querySelector("#search");
const links = [...document.querySelectorAll("nav .group a")];
search.hidden = false;
const filter = () => {
  const words = search.value.toLowerCase().split(/\s+/);
  for (const link of links) {
    const text = (link.textContent + " " + link.title + " " + link.hash).toLowerCase();
    link.parentElement.hidden = !words.every((word) => text.includes(word));
  }
  for (const group of document.querySelectorAll("nav .group")) {
    group.hidden = !group.querySelector("li:not([hidden])");
  }
};
search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    const first = links.find((link) => !link.parentElement.hidden);
    if (first) first.click();
  } else if (event.key === "Escape") {
    search.value = "";
    filter();
  }
});
document.addEventListener("keydown", (event) => {
  const writes = event.target instanceof HTMLInputElement;
  if (event.key === "/" && !writes && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
  }
});

// The contents show where one is.
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const link = links.find((link) => link.hash === "#" + entry.target.id);
    if (link && entry.isIntersecting) {
      for (const other of links) other.removeAttribute("aria-current");
      link.setAttribute("aria-current", "true");
    }
  }
}, { rootMargin: "-10% 0px -80% 0px" });
for (const operation of document.querySelectorAll(".operation")) seen.observe(operation);
