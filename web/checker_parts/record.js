// What the entries tell: who, when, what, how, and where the person stands after each; as consent_notice/record.py does.
// FIXED holds the tables of that package, put in when this page is built.
"use strict";

const EXPLICIT = "https://w3id.org/dpv#ExplicitlyExpressedConsent";
const SAID_BY_OTHERS = "https://w3id.org/dpv#Consent";
const KINDS = { opened: "visit_opened", joined: "seat_joined", noticed: "notice_delivered", decided: "decided" };

// An act that the table does not know changes nothing; a yes said before a no, or by somebody known too little, is none.
class Standings {
  now = new Map();
  #lastNo = new Map();

  after(event, acts, isByPerson) {
    const changed = new Set();
    for (const [purpose, act] of acts) {
      const before = this.now.get(purpose) ?? "unknown";
      if (act === "give" && (before === "given" || !this.#counts(event, purpose))) continue;
      const next = FIXED.nextStanding[before]?.[act];
      if (next === undefined || (FIXED.ownActs.includes(act) && !isByPerson)) continue;
      this.now.set(purpose, next);
      if (!FIXED.noNo.includes(act)) this.#noteNo(purpose, event);
      changed.add(purpose);
    }
    return changed;
  }

  #counts(event, purpose) {
    const no = this.#lastNo.get(purpose);
    if (no && no.bootId === event.boot_id && event.at_ms <= no.atMs) return false;
    return event.kind !== KINDS.decided || event.identity_level >= FIXED.identityFloor[purpose];
  }

  #noteNo(purpose, event) {
    const no = this.#lastNo.get(purpose);
    const isOfBoot = !no || no.bootId === event.boot_id;
    const atMs = no && isOfBoot ? Math.max(no.atMs, event.at_ms) : event.at_ms;
    this.#lastNo.set(purpose, { bootId: event.boot_id, atMs });
  }
}

const noticeOf = (event) =>
  event.kind === KINDS.noticed
    ? { id: event.notice, version: event.version, language: event.language, sha256: event.text_sha256 }
    : { id: event.notice, version: event.notice_version, language: event.notice_language, sha256: event.notice_sha256 };

const howOf = (event) => ({
  means: event.means,
  message_id: event.message_id,
  notice: noticeOf(event),
  ...(event.kind === KINDS.decided && {
    identity_level: event.identity_level,
    matched_by: event.matched_by,
    verbatim: event.verbatim,
    reader_version: event.reader_version,
    ...Object.fromEntries(["person", "agreement", "legal_basis"].filter((it) => event[it]).map((it) => [it, event[it]])),
  }),
});

// `entries`: { index, at, event }, in the log's order.
function tell(seat, entries) {
  const opened = entries.filter(({ event }) => event.kind === KINDS.opened);
  if (!opened.length) fail("the beginning of the meeting is not among its entries");
  const first = opened[0].event;
  const last = opened.at(-1).event;
  const standings = new Standings();
  const told = { shownAs: "", history: [], notices: new Map(), bases: new Map(), answered: [] };
  // Of a seat that several people share, the entries of one of them: for that one, seat and person are one.
  const person = entries.find(({ event }) => event.kind === KINDS.decided)?.event.person ?? "";
  const answeredPurposes = new Set();
  for (const { index, at, event } of entries) {
    if (event.visit !== first.visit) fail("an entry in it is of another meeting");
    if (event.kind === KINDS.opened) continue;
    const isOthers = event.kind === KINDS.decided && (event.person ?? "") !== person;
    if (!Object.values(KINDS).includes(event.kind) || event.seat !== seat || isOthers) {
      fail("an entry in it is not this person's");
    }
    if (event.kind === KINDS.joined) {
      told.shownAs = event.name;
      continue;
    }
    const isDecision = event.kind === KINDS.decided;
    const acts = isDecision ? event.acts : FIXED.askedByNotice.map((purpose) => [purpose, "ask"]);
    const isByPerson = !FIXED.byOthers.includes(event.means);
    const isOwn = isDecision && isByPerson;
    const changed = standings.after(event, acts, isByPerson);
    if (isOwn && event.notice_sha256 && !told.answered.includes(event.notice_sha256)) told.answered.push(event.notice_sha256);
    for (const [purpose, act] of acts) {
      if (event.notice && (isOwn || !answeredPurposes.has(purpose))) {
        told.notices.set(purpose, noticeOf(event));
        told.bases.set(purpose, event.legal_basis ?? "");
      }
      if (isOwn) answeredPurposes.add(purpose);
      const standing = standings.now.get(purpose) ?? "unknown";
      told.history.push({
        event_time: at,
        meeting_ms: event.boot_id === first.boot_id ? event.at_ms - first.at_ms : null,
        validity_duration: act === "give" ? "until withdrawn" : "until the next answer",
        entity_id: isOwn ? seat : event.means === "host" ? "host" : "onrecord",
        event_type: act === "attest" ? SAID_BY_OTHERS : EXPLICIT,
        event_state: FIXED.dpvStatus[standing],
        purpose,
        act,
        counted: changed.has(purpose) || (act === "give" && standing === "given"),
        shown_as: told.shownAs,
        log_index: index,
        ...howOf(event),
      });
    }
  }
  const { visit, meeting, platform, host, bot_name, rule } = last;
  told.context = { visit, meeting, platform, host, bot_name, rule, began_at: opened[0].at };
  told.standings = [...standings.now].sort(([one], [other]) => (one < other ? -1 : 1));
  return told;
}

const isFilled = (value) => {
  if (Array.isArray(value) || isObject(value)) return Object.keys(value).length > 0 && Object.values(value).every(isFilled);
  return value !== null && value !== undefined && value !== "";
};

function hasEmptyField(record) {
  const held = (value) => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);
  const parts = Object.fromEntries(Object.keys(FIXED.mandatory).map((part) => [part, held(record[part])]));
  parts.pii_information = parts.pii_processing.flatMap((each) => held(each?.pii_information));
  delete parts.receipt;
  return Object.entries(parts).some(
    ([part, holders]) =>
      !holders.length ||
      FIXED.mandatory[part].some((name) => !holders.every((holder) => isObject(holder) && isFilled(holder[name]))),
  );
}

function checkRecord(record, seat, told) {
  if (!isSame(record.event, told.history)) fail("its events are not those of the log");
  const isHeader = record.header.pii_principal_id === seat && record.header.shown_as === told.shownAs;
  if (!isHeader || !isSame(record.context, told.context)) fail("who, where or when is not as the log says");
  const purposes = record.pii_processing.map((each) => each.purposes);
  if (!isSame(purposes, told.standings.map(([purpose]) => purpose))) fail("its purposes are not those of the log");
  told.standings.forEach(([purpose, standing], place) => {
    const each = record.pii_processing[place];
    const notice = told.notices.get(purpose) ?? {};
    const isAsLogged =
      each.standing === standing &&
      each.consent_status === FIXED.dpvStatus[standing] &&
      each.language === (notice.language ?? "") &&
      each.lawful_basis === (FIXED.lawfulBasis[told.bases.get(purpose) ?? ""] ?? "") &&
      isSame(each.privacy_notice, notice);
    if (!isAsLogged) fail("where the person stands is not as the log says");
  });
  if (hasEmptyField(record)) fail("a mandatory field of it is empty");
}
