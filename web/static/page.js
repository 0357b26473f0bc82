// Small comforts for every page; each page works without them.
"use strict";
const language = document.documentElement.lang || "en";
const locale = [...navigator.languages, language === "en" ? "en-GB" : language].find((one) => one.split("-")[0] === language);
const localise = (root) => {
  for (const moment of root.querySelectorAll("time[data-moment]")) {
    const at = new Date(moment.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    moment.title = moment.textContent;
    const year = at.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
    moment.textContent = at.toLocaleString(locale, { weekday: "short", day: "numeric", month: "short", year, hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
  }
};
localise(document);
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) {
  for (const field of document.querySelectorAll("[data-zone]")) field.value = zone;
  for (const words of document.querySelectorAll("[data-zone-name]")) words.textContent = zone.replaceAll("_", " ");
}
const atField = document.querySelector("#at");
atField?.addEventListener("input", () => { const later = document.querySelector('[name=when][value=at]'); if (later) later.checked = true; });

// A part of the page that is fetched again every two seconds while it can be seen.
for (const part of document.querySelectorAll("[data-refresh]")) {
  const refresh = async () => {
    if (!document.hidden && !part.contains(document.activeElement)) {
      try {
        const answer = await fetch(part.dataset.refresh, { headers: { "X-Fragment": "1" }, redirect: "error" });
        if (answer.status === 403 || answer.status === 404) { location.reload(); return; }
        if (answer.ok) {
          const text = await answer.text();
          if (text !== part.dataset.last) { part.dataset.last = text; part.replaceChildren(document.createRange().createContextualFragment(text)); localise(part); }
        }
      } catch { /* the server restarts: the next try will tell */ }
    }
    setTimeout(refresh, 2000);
  };
  setTimeout(refresh, 2000);
}

// The participant's page waits for its code, and shows at once when it was typed.
const waiting = document.querySelector("[data-wait]");
if (waiting) {
  const look = async () => {
    try {
      const answer = await fetch(waiting.dataset.wait, { headers: { "X-Fragment": "1" }, redirect: "error" });
      if (answer.ok && (await answer.json()).state !== waiting.dataset.state) { location.reload(); return; }
    } catch { /* try again */ }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
}

// Copies what stands in a field; without a clipboard the field can be selected by hand.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const words = button.textContent;
  button.addEventListener("click", async () => {
    const field = document.querySelector(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = button.dataset.copied;
      setTimeout(() => (button.textContent = words), 2000);
    } catch {
      field.select();
    }
  });
}
