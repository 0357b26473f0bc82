// The page's own frame: what is in sight while a phone's keyboard is open, and the link that brings others here.

import { byId } from "./dom.js";

const COPIED_FOR_MS = 2500;

/** Keyboards of some phones cover the page instead of shrinking it; the call then ends above the keyboard. */
export function keepAboveKeyboard(call) {
  const view = window.visualViewport;
  if (!view) return;
  const fit = () => {
    const isCovered = view.scale === 1 && window.innerHeight - view.height > 1;
    call.style.setProperty("height", isCovered ? `${view.height}px` : "");
    call.style.setProperty("top", isCovered ? `${view.offsetTop}px` : "");
    call.style.setProperty("bottom", isCovered ? "auto" : "");
  };
  view.addEventListener("resize", fit);
  view.addEventListener("scroll", fit);
}

export function copyLinkOnClick(announce) {
  byId("copy-link").addEventListener("click", async () => {
    let words = "Copied";
    try {
      await navigator.clipboard.writeText(location.origin + location.pathname);
    } catch {
      words = "Copy it from the address bar";
    }
    byId("copy-words").textContent = words;
    announce(words);
    setTimeout(() => (byId("copy-words").textContent = "Copy link"), COPIED_FOR_MS);
  });
}
