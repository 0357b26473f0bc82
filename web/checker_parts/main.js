// The page: takes a receipt and a key, and says what holds. Nothing leaves it; its content policy forbids all loading.
"use strict";

const at = (id) => document.getElementById(id);
const LONGEST_FILE_BYTES = 3 * FIXED.longest;
let receiptFile = null;
let turn = 0; // of two checks that overlap only the later one is shown

function element(kind, text = "", className = "") {
  const made = document.createElement(kind);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function list(lines, className) {
  const made = element("ul", "", className);
  made.append(...lines.map((line) => element("li", line)));
  return made;
}

function facts(rows) {
  const made = element("dl");
  for (const [term, value] of rows) made.append(element("dt", term), element("dd", value));
  return made;
}

const seen = (text) => String(text).replace(UNSEEN, "\ufffd");
const inUtc = (text) => `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;

function showResult(kind, title, ...parts) {
  const result = at("result");
  result.className = `result ${kind}`;
  result.replaceChildren(element("h2", title), ...parts);
  result.hidden = false;
}

function showGood({ content, checkpoint, standings, entries }, steps) {
  const { header, context, party_identification: parties } = content.record;
  const known = FIXED.inWords;
  showResult(
    "good",
    "It holds",
    element("p", "Not a byte of it was changed since it was signed with that key."),
    element("h3", "What it says"),
    facts([
      ["Person", `${seen(header.shown_as) || "no name"} (seat ${seen(header.pii_principal_id)})`],
      ["Meeting", `${seen(context.platform)}, ${inUtc(context.began_at)}, hosted by ${seen(context.host)}`],
      ["Asked by", parties.map((party) => seen(party.party_name)).join(", ")],
      ...standings.map(([purpose, standing]) => [known[purpose] ?? purpose, known[standing] ?? standing]),
      ["Log", `${checkpoint.origin}: entries ${entries.join(", ")} of ${checkpoint.size}`],
      ["Key", content.receipt.key],
    ]),
    element("h3", "What was checked"),
    list(steps, "steps"),
    element("h3", "What that proves"),
    list(FIXED.proves, "lines"),
    element("h3", "What it does not prove"),
    list(FIXED.doesNotProve, "lines"),
  );
}

async function look() {
  const mine = ++turn;
  const keyText = at("key").value.trim();
  at("result").hidden = true;
  if (!receiptFile || !keyText) return;
  const steps = [];
  try {
    const key = await readKey(keyText);
    if (receiptFile.size > LONGEST_FILE_BYTES) fail("it is too long to be one");
    const found = await check(new Uint8Array(await receiptFile.arrayBuffer()), key, (text) => steps.push(text));
    if (mine === turn) showGood(found, steps);
  } catch (error) {
    if (mine !== turn) return;
    if (error instanceof BadKey) showResult("bad", "The key can't be used", element("p", error.message));
    else if (error instanceof DoesNotHold) {
      const good = steps.length ? [element("h3", "What was good until then"), list(steps, "steps")] : [];
      const advice = "Ask the server for a new one, and see whether the key is the published one.";
      showResult("bad", "It does not hold", element("p", `Why: ${error.message}.`), element("p", advice), ...good);
    } else showResult("bad", "It could not be read", element("p", "The browser could not read that file. Choose it again."));
  }
}

function take(file) {
  receiptFile = file ?? null;
  look();
}

// The public key and signature of RFC 8032 section 7.1, test 1: an empty message.
async function canCheckSignatures() {
  const publicKey = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const signature = fromHex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  );
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
    return "".isWellFormed() && (await crypto.subtle.verify({ name: "Ed25519" }, key, signature, new Uint8Array()));
  } catch {
    return false;
  }
}

async function begin() {
  const unable = at("unable");
  if (!globalThis.crypto?.subtle) {
    unable.textContent =
      "This browser gives its cryptography only to pages that came over https or lie on your own disk. Save this page, and open the saved file.";
  } else if (!(await canCheckSignatures())) {
    unable.textContent =
      "This browser can't check Ed25519 signatures, so it can't check a receipt. Use a current version of it or of another one, or run: onrecord receipt verify FILE --key KEY";
  } else {
    unable.remove();
  }
  if (at("unable")) {
    unable.hidden = false;
    return;
  }
  at("form").disabled = false;
  try {
    at("key").value = decodeURIComponent(location.hash.slice(1)); // a link may bring the key; it stays in the browser
  } catch {
    at("key").value = "";
  }
  at("file").addEventListener("change", () => take(at("file").files[0]));
  at("key").addEventListener("input", look);
  at("key-file").addEventListener("change", async () => {
    const file = at("key-file").files[0];
    at("key").value = file && file.size < 4096 ? (await file.text()).trim() : "";
    look();
  });
  const drop = at("drop");
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    at("file").files = event.dataTransfer.files; // so that it shows the name
    take(event.dataTransfer.files[0]);
  });
  if (at("file").files[0]) take(at("file").files[0]); // kept by the browser over a reload
}

begin();
