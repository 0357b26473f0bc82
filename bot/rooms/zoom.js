// Zoom's web client: tells what its list of participants and its chat panel show.
(() => {
  "use strict";
  const PAGE = crypto.randomUUID();
  const first = (root, ...selectors) => {
    for (const selector of selectors) {
      const found = root.querySelector(selector);
      if (found) return found;
    }
    return null;
  };
  const words = (element) => (element ? element.innerText || element.textContent || "" : "").trim();

  let isHere = false;  // the call is in this frame of the page: another's word about it is none
  const apart = () => { if (isHere) onrecord.tell("apart", null); };
  const list = () => {
    const found = first(document, "#participants-ul", ".participants-section-container", '[aria-label="Participants list"]');
    const button = first(document, 'button[aria-label*="participants list"]');
    const count = /\[?(\d+)\]?\D*$/.exec((button && button.getAttribute("aria-label")) || "");
    const counter = count ? count[1] : words(first(document, ".footer-button__number-counter"));
    if (!found || !/^\d+$/.test(counter)) return apart();
    const rows = [...found.querySelectorAll(".participants-item__display-name")].map((name) => ({
      name: words(name),
      label: words(name.parentElement.querySelector(".participants-item__name-label")),
    }));
    isHere = true;
    onrecord.tell("list", { page: PAGE, count: Number(counter), rows });
  };

  const told = new Map();  // id of a row -> what was told of it
  const chat = () => {
    const panel = first(document, '[aria-label="Chat Message List"]', ".chat-virtuoso-wrapper", "#chat-list-content");
    if (!panel) return;
    const headers = [...panel.querySelectorAll(".chat-message-text__user-name")];
    for (const row of panel.querySelectorAll('[id^="chat-message-"]')) {
      const text = words(first(row, ".chat-rtf-box__display", ".new-chat-message__text-content", ".chat-message-text"));
      if (!text) continue;
      const labelled = row.closest("[aria-label*=' to ']") || row.querySelector("[aria-label*=' to ']");
      // A run of lines has its sender's name above the first alone.
      const above = headers.filter((header) => row.contains(header) ||
        header.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING).at(-1);
      const label = (labelled && panel.contains(labelled) && labelled.getAttribute("aria-label")) || "";
      const line = { id: row.id, header: words(above), label: label.trim(), text };
      if ((!above && !label) || told.get(row.id) === JSON.stringify(line)) continue;
      told.set(row.id, JSON.stringify(line));
      onrecord.tell("message", line);
    }
  };
  setInterval(() => {
    try {
      if (!document.querySelector('button[aria-label="Leave"]')) return apart();
      chat();  // who writes and leaves at once is still listed
      list();
    } catch {
      apart();
    }
  }, 200);
})();
