// The log's published key, its signed notes (C2SP signed-note, tlog-checkpoint), and the path of an entry (RFC 9162).
"use strict";

const ED25519 = 1;
const HASH_BYTES = 32;
const SIGNATURE_START = "\u2014 ";

class BadKey extends Error {}

async function readKey(text) {
  const parts = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim());
  const encoded = parts && fromBase64(parts[3]);
  if (!encoded || encoded.length !== 33 || encoded[0] !== ED25519) {
    throw new BadKey("That is no verifier key. Copy the whole published line: name, plus, eight hex digits, plus, key.");
  }
  const name = parts[1];
  const id = (await sha256(joined(utf8.encode(`${name}\n`), encoded))).slice(0, 4);
  if (toHex(id) !== parts[2]) throw new BadKey("That key was copied wrong: its number does not fit the rest of it.");
  const publicKey = encoded.slice(1);
  const imported = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
  return { name, id, imported, fingerprint: `${name}+${parts[2]} sha256:${toHex(await sha256(publicKey))}` };
}

const isSignedBy = (key, signature, text) =>
  crypto.subtle.verify({ name: "Ed25519" }, key.imported, signature, utf8.encode(text));

// The text of a note that carries a good signature by the key, and none by it that is bad; others are ignored.
async function openNote(note, key) {
  if (typeof note !== "string" || /[\x00-\x09\x0b-\x1f]/.test(note)) fail("a signature is not of the format");
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2);
  if (end < 0 || !lines.endsWith("\n")) fail("a signature is not of the format");
  let isVerified = false;
  for (const line of lines.slice(0, -1).split("\n")) {
    const [, name, encoded] = /^\u2014 ([^ ]+) (.*)$/s.exec(line) ?? [];
    const signature = encoded === undefined ? null : fromBase64(encoded);
    if (!line.startsWith(SIGNATURE_START) || !signature || signature.length < 5) fail("a signature is not of the format");
    if (name === key.name && isSameBytes(signature.slice(0, 4), key.id)) {
      if (!(await isSignedBy(key, signature.slice(4), text))) fail("its signature is not of this key, or it was changed");
      isVerified = true;
    }
  }
  return isVerified ? text : fail("it carries no signature of this key");
}

async function openCheckpoint(note, key) {
  const lines = (await openNote(note, key)).split("\n");
  const root = lines.length >= 4 ? fromBase64(lines[2]) : null;
  if (lines.at(-1) !== "" || lines.slice(0, -1).includes("") || !/^(0|[1-9][0-9]{0,15})$/.test(lines[1])) {
    fail("its checkpoint is not of the format");
  }
  if (!root || root.length !== HASH_BYTES) fail("its checkpoint is not of the format");
  if (lines[0] !== key.name) fail("its checkpoint is of another log");
  return { origin: lines[0], size: Number(lines[1]), root };
}

const leafHash = (leaf) => sha256(joined(Uint8Array.of(0), leaf));
const nodeHash = (left, right) => sha256(joined(Uint8Array.of(1), left, right));

// RFC 9162 section 2.1.3.2. Division and not bit operations, which end at 32 bits.
async function isIncluded(leaf, index, size, path, expectedRoot) {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  let position = index;
  let last = size - 1;
  let merged = leaf;
  const half = (number) => Math.floor(number / 2);
  for (const sibling of path) {
    if (last === 0 || sibling.length !== HASH_BYTES) return false;
    if (position % 2 === 1 || position === last) {
      merged = await nodeHash(sibling, merged);
      while (position !== 0 && position % 2 === 0) {
        position = half(position);
        last = half(last);
      }
    } else {
      merged = await nodeHash(merged, sibling);
    }
    position = half(position);
    last = half(last);
  }
  return last === 0 && isSameBytes(merged, expectedRoot);
}
