// Keeps a page fresh: when the forge says that it changed, the marked parts are
// fetched again and put in place of the old ones. Nothing typed is lost.
"use strict";

const tabs = ["conversation", "checks", "files"];

function showTab() {
  const wanted = tabs.includes(location.hash.slice(1)) ? location.hash.slice(1) : tabs[0];
  for (const id of tabs) {
    const section = document.getElementById(id);
    if (section) section.hidden = id !== wanted;
  }
  for (const link of document.querySelectorAll(".tabs a")) {
    link.classList.toggle("current", link.hash === "#" + wanted);
  }
}

const summaryOf = (details) => details.querySelector("summary")?.textContent;

function swap(old, fresh) {
  if (old.innerHTML === fresh.innerHTML) return;
  const open = new Set([...old.querySelectorAll("details[open]")].map(summaryOf));
  for (const details of fresh.querySelectorAll("details")) {
    if (open.has(summaryOf(details))) details.open = true;
  }
  old.innerHTML = fresh.innerHTML;
}

async function refresh() {
  const answer = await fetch(location.pathname);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-fragment]")) {
    const fresh = page.querySelector(`[data-fragment="${old.dataset.fragment}"]`);
    if (fresh) swap(old, fresh);
  }
  keepChoices();
  showTab();
}

// The person acted as and the merge method stay chosen over refreshes.
function keepChoices() {
  for (const select of document.querySelectorAll("select[data-keep]")) {
    const kept = sessionStorage.getItem(select.name);
    if (kept && [...select.options].some((o) => o.value === kept)) select.value = kept;
  }
}

document.addEventListener("change", (event) => {
  if (!event.target.matches("select[data-keep]")) return;
  sessionStorage.setItem(event.target.name, event.target.value);
  keepChoices();
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-live]")) return;
  event.preventDefault();
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, event.submitter)) });
  if (answer.ok) {
    form.reset();
  } else {
    alert(await answer.text());
  }
  refresh();
});

window.addEventListener("hashchange", showTab);
showTab();
keepChoices();

const events = document.querySelector("[data-events]");
if (events) {
  new EventSource(events.dataset.events).addEventListener("change", refresh);
}
