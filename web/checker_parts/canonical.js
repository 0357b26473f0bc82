// Bytes, hashes, and the one form of JSON (RFC 8785, without fractions) that a hash of it means the same everywhere.
"use strict";

class DoesNotHold extends Error {}

const fail = (why) => {
  throw new DoesNotHold(why);
};
const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const textOf = (bytes) => {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return fail("it is no text, so it was changed, or is no receipt");
  }
};

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function canonical(value) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return value.isWellFormed() ? JSON.stringify(value) : fail("it holds half of a character");
  if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : fail("it holds a number of another kind");
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  // JavaScript sorts by UTF-16 code units, as RFC 8785 section 3.2.3 wants it.
  const members = Object.keys(value).sort().map((name) => `${canonical(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return fail("it was changed, or is no receipt");
  }
}

function readCanonical(text) {
  const value = parse(text);
  return canonical(value) === text ? value : fail("it was changed: its data is in another form than it was made in");
}

const isSame = (one, other) => canonical(one) === canonical(other);

const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const sha256OfText = async (text) => toHex(await sha256(utf8.encode(text)));

const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
};

const isSameBytes = (one, other) => one.length === other.length && one.every((byte, place) => byte === other[place]);

const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function fromHex(text) {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/.test(text)) fail("a part of it is missing or of another kind");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

// Null unless the text is the one standard base64 form of its bytes (RFC 4648 section 4).
function fromBase64(text) {
  try {
    const raw = atob(text);
    return btoa(raw) === text ? Uint8Array.from(raw, (character) => character.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}
