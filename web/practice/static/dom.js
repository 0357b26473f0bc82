// Builds elements from text. Decides one thing: nothing from the wire ever becomes markup (text nodes and safe addresses only).

const SVG = "http://www.w3.org/2000/svg";
const ADDRESS = /https?:\/\/[^\s<>"'`]+/g;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

export const byId = (id) => document.getElementById(id);

/** `properties` are set on the element, `attributes` as attributes; string children become text nodes. */
export function element(tag, properties = {}, children = [], attributes = {}) {
  const made = document.createElement(tag);
  Object.assign(made, properties);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  drawing.append(use);
  return drawing;
}

export function changeIcon(holder, name) {
  holder.querySelector("use").setAttribute("href", `#i-${name}`);
}

/** A web address that is safe to put in a link, or null. */
export function webAddress(text) {
  try {
    const address = new URL(text);
    return address.protocol === "https:" || address.protocol === "http:" ? address.href : null;
  } catch {
    return null;
  }
}

export function outsideLink(address, words) {
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, [words]);
}

/** The text as nodes, with its web addresses as links. */
export function withLinks(text) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(ADDRESS)) {
    const words = found[0].replace(/[.,;:!?)\]}]+$/, "");
    const address = webAddress(words);
    if (!address) continue;
    nodes.push(text.slice(from, found.index), outsideLink(address, words));
    from = found.index + words.length;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}

/** A name in its own direction, so that a right-to-left name cannot turn the words around it. */
export function isolated(name, className = "") {
  return element("bdi", { className, title: name }, [name]);
}

/** At most two letters; a symbol stands for itself, and a name without any gets "?". */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined]
    .filter(Boolean)
    .map((word) => word.match(/[\p{L}\p{N}]/u)[0].toLocaleUpperCase());
  if (letters.length) return letters.join("");
  const first = graphemes.segment(name.trim())[Symbol.iterator]().next().value;
  return first && first.segment.length <= 12 ? first.segment : "?";
}

export function clockTime(ageMs) {
  return new Date(Date.now() - (ageMs || 0)).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function randomHex(bytes) {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
