// The page of a receipt, rendered from its data to the same bytes as consent_notice/receipt_page.py does.
"use strict";

const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]/g;
const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" };
const TITLES = { given: "given_title", refused: "refused_title", withdrawn: "withdrawn_title" };
const CHIPS = { given: "agreed", refused: "receipt_refused", withdrawn: "receipt_taken_back" };
const ACTS = { ask: "receipt_asked", give: "agreed", refuse: "receipt_refused", withdraw: "receipt_taken_back" };

const shown = (value) => {
  if (typeof value !== "string" && !Number.isSafeInteger(value)) fail("something that is to be shown is missing");
  return String(value).replace(UNSEEN, "\ufffd").replace(/[&<>"']/g, (character) => ESCAPES[character]);
};
const shownList = (values) => (Array.isArray(values) ? values.map(shown).join(", ") : fail("a list of it is none"));
const name = (value) => `<bdi>${shown(value)}</bdi>`;
const has = (table, key) => typeof key === "string" && Object.hasOwn(table, key);

const moment = (at) => {
  const text = shown(at);
  const characters = [...text];
  return `<time datetime="${text}">${characters.slice(0, 10).join("")} ${characters.slice(11, 19).join("")} UTC</time>`;
};

const into = (meetingMs) => {
  if (meetingMs === null) return "";
  const all = Math.floor(Math.max(0, meetingMs) / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(all / 60) % 60;
  const hours = Math.floor(all / 3600);
  return hours ? ` · +${hours}:${two(minutes)}:${two(all % 60)}` : ` · +${minutes}:${two(all % 60)}`;
};

function render(content) {
  const { page, record, receipt, proof } = content;
  const { words } = page;
  if (!isSame(Object.keys(words).sort(), FIXED.words) || !Object.values(words).every((word) => typeof word === "string")) {
    fail("its words are not those of this format");
  }
  const say = (key) => shown(words[key]);
  const label = (purpose) => shown(page.purposes[purpose]);
  const section = (title, ...inner) => `<section><h2>${say(title)}</h2>${inner.join("")}</section>\n`;
  const facts = (rows) => `<dl>${rows.map(([key, value]) => `<dt>${say(key)}</dt><dd>${value}</dd>`).join("")}</dl>`;

  const who = () => {
    const party = record.party_identification[0];
    return section(
      "receipt_who",
      facts([
        ["receipt_organisation", [party.party_name, party.party_address, party.party_contact].map(shown).join("\n")],
        ["receipt_host", name(record.context.host)],
        ["receipt_meeting", `${shown(page.platform)}, ${moment(record.context.began_at)}`],
        ["receipt_you", name(record.header.shown_as)],
      ]),
    );
  };

  const answers = () => {
    const rows = record.pii_processing.map(({ standing, purposes }) => {
      const kind = has(CHIPS, standing) ? standing : "open";
      const chip = `<span class="chip ${kind}">${say(CHIPS[kind] ?? "not_agreed")}</span>`;
      return `<li class="answer">${chip}<span>${label(purposes)}</span></li>`;
    });
    return section("receipt_answers", "<ul>", ...rows, "</ul>");
  };

  const stepOf = (step) => {
    const [first] = step;
    let what = has(ACTS, first.act) ? say(ACTS[first.act]) : `${say("receipt_other")} (${shown(first.act)})`;
    if (!first.counted && first.act !== "ask") what += ` (${say("receipt_not_counted")})`;
    const purposes = step.map(({ purpose }) => label(purpose).split(":")[0]).join(", ");
    const how = [say(`receipt_by_${first.means}`)];
    if ("identity_level" in first) {
      const knownBy = say("receipt_known_by").replaceAll("{how}", () => shown(first.matched_by));
      how.push(knownBy.replaceAll("{level}", () => shown(first.identity_level)));
    }
    how.push(say("receipt_entry").replaceAll("{number}", () => shown(first.log_index)));
    const said = first.verbatim ? ` <q dir="auto">${shown(first.verbatim)}</q>` : "";
    const when = moment(first.event_time) + into(first.meeting_ms);
    return `<li><div><b>${what}</b>: ${purposes}${said}</div><small>${when} · ${how.join(" · ")}</small></li>`;
  };

  const steps = () => {
    const grouped = [];
    for (const event of record.event) {
      const [before] = grouped.at(-1) ?? [];
      const isSameStep =
        before && before.log_index === event.log_index && before.act === event.act && before.counted === event.counted;
      if (isSameStep) grouped.at(-1).push(event);
      else grouped.push([event]);
    }
    return section("receipt_steps", "<ol>", ...grouped.map(stepOf), "</ol>");
  };

  const kept = () => {
    const first = record.pii_processing[0];
    const days = first.retention_period.replace(/^P/, "").replace(/D$/, "");
    return section(
      "receipt_kept",
      facts([
        ["receipt_what", say("receipt_what_text")],
        ["receipt_how_long", say("receipt_days").replaceAll("{days}", () => shown(days))],
        ["receipt_where", shownList(first.storage_locations)],
        ["receipt_law", shown(first.jurisdiction)],
        ["receipt_back", shown(first.withdrawal_method)],
        ["receipt_rights", shown(first.privacy_rights)],
        ["receipt_complaint", shown(first.authority_party)],
      ]),
    );
  };

  const texts = () => {
    const named = new Map(record.event.map(({ notice }) => [notice.sha256, notice]));
    const parts = content.notices.map(({ sha256, text }) => {
      const { id, version, language } = named.get(sha256);
      const mark = `${shown(id)} ${shown(version)} (${shown(language)})`;
      return `<small>${mark} <code>sha256:${shown(sha256)}</code></small><pre dir="auto">${shown(text)}</pre>`;
    });
    return parts.length ? section("receipt_text", ...parts) : "";
  };

  const proven = () => {
    const [origin, size] = proof.checkpoint.split("\n");
    const rows = facts([
      ["receipt_log", `<code>${shown(origin)}</code>: ${proof.entries.map(({ index }) => shown(index)).join(", ")}`],
      ["receipt_size", shown(size)],
      ["receipt_key", `<code>${shown(receipt.key)}</code>`],
      ["receipt_number", `<code>${shown(receipt.receipt_id)}</code>, ${moment(receipt.issued_at)}`],
    ]);
    const lines = ["receipt_proves", "receipt_not", "receipt_check"].map((title) => {
      const items = say(`${title}_text`).split("\n").map((line) => `<li>${line}</li>`);
      return `<h3>${say(title)}</h3><ul class="lines">${items.join("")}</ul>`;
    });
    return section("receipt_proof", rows, ...lines);
  };

  const standing = new Map(record.pii_processing.map((each) => [each.purposes, each.standing])).get("recording");
  const data = canonical(content).replaceAll("&", "\\u0026").replaceAll("<", "\\u003c").replaceAll(">", "\\u003e");
  return [
    `${FIXED.begins}\n<html lang="${shown(page.language)}">\n<head>\n<meta charset="utf-8">\n`,
    `<meta http-equiv="Content-Security-Policy" content="${FIXED.policy}">\n`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n',
    `<title>${say("receipt_title")} ${shown(receipt.receipt_id)}</title>\n<style>${FIXED.style}</style>\n`,
    `</head>\n<body>\n<main>\n<header><p class="kind">${say("receipt_title")}</p>`,
    `<h1>${say(has(TITLES, standing) ? TITLES[standing] : "waiting_title")}</h1>`,
    `<p>${shown(page.platform)} · ${moment(record.context.began_at)}</p></header>\n`,
    who(), answers(), steps(), kept(), texts(), proven(),
    `</main>\n${FIXED.opens}${data}${FIXED.closes}\n</body>\n</html>\n`,
  ].join("");
}
