({
  plain: (text) => (text || "").replace(/[\u2018\u2019]/g, "'").replace(/\s+/g, " ").trim().toLowerCase(),
  isSeen(element) {
    const style = getComputedStyle(element);
    return element.getClientRects().length > 0 && style.visibility !== "hidden" && style.display !== "none";
  },
  find(signs) {
    for (const sign of signs)
      for (const element of document.querySelectorAll(sign.css)) {
        if (sign.seen && !this.isSeen(element)) continue;
        if (!sign.texts.length) return element;
        const shown = this.plain([element.innerText, element.getAttribute("aria-label"), element.value].join(" "));
        if (sign.texts.some((text) => shown.includes(this.plain(text)))) return element;
      }
    return null;
  },
  first(looks) {
    const fits = (look) => this.find(look.signs) && !(look.unless.length && this.find(look.unless));
    const found = looks.find(fits);
    return found ? found.name : null;
  },
  outline() {
    const kept = ["role", "data-tid", "aria-pressed", "aria-checked", "aria-modal", "aria-hidden", "type", "disabled"];
    const lines = [];
    const walk = (element, depth) => {
      if (lines.length >= 1500 || depth > 40) return;
      if (["SCRIPT", "STYLE", "NOSCRIPT", "HEAD"].includes(element.tagName)) return;
      const marks = kept.filter((name) => element.hasAttribute(name)).map((name) => {
        const value = element.getAttribute(name);
        return name !== "data-tid" && /^[a-z0-9-]{0,20}$/.test(value) ? `[${name}=${value}]` : `[${name}]`;
      });
      const size = (element.innerText || "").length;
      const hidden = this.isSeen(element) ? "" : " hidden";
      lines.push(`${" ".repeat(depth)}${element.tagName.toLowerCase()}${marks.join("")}${hidden} ${size ? `${size} letters` : ""}`.trimEnd());
      for (const child of element.children) walk(child, depth + 1);
    };
    if (document.body) walk(document.body, 0);
    return lines.join("\n");
  },
})
