// Checks a receipt in either form: everything that consent_notice/receipt.py and receipt_page.py check.
"use strict";

const LEAF_FIELDS = ["at", "commitment", "event_id", "kind", "v", "visit"];

// Resolves to what a receipt that holds says; rejects with DoesNotHold. `step` is told what was found to be good.
async function check(file, key, step = () => {}) {
  try {
    return await checkAll(file, key, step);
  } catch (error) {
    if (error instanceof DoesNotHold) throw error;
    // A missing part, a value of another kind, nested too deep: whatever the checks tripped over, it does not hold.
    throw new DoesNotHold("a part of it is missing or of another kind");
  }
}

async function checkAll(file, key, step) {
  const isPage = file.length >= 15 && textOf(file.slice(0, 15)) === FIXED.begins;
  if (file.length > (isPage ? 3 : 1) * FIXED.longest) fail("it is too long to be one");
  const content = isPage ? contentOf(textOf(file)) : readCanonical(textOf(file));
  if (!isObject(content) || content.format !== FIXED.format) fail("it is of another format or version");
  if (isPage && !isSameBytes(utf8.encode(render(content)), file)) {
    fail("the page was changed, or shows something else than the record in it");
  }
  step(isPage ? "The page shows what its data says, byte for byte" : "Its data is in the one form that it was made in");
  const { seal, ...unsealed } = content;
  const sealed = `${key.name}/receipt\nsha256:${await sha256OfText(canonical(unsealed))}\n`;
  if ((await openNote(seal, key)) !== sealed) fail("its seal is of other contents");
  if (content.receipt.key !== key.fingerprint) fail("it names another key than the one that signed it");
  step("The key signed all of it");
  const checkpoint = await openCheckpoint(content.proof.checkpoint, key);
  step(`The key signed the log at ${checkpoint.size} entries`);
  const entries = [];
  for (const entry of content.proof.entries) entries.push(await checkEntry(entry, checkpoint));
  if (entries.some(({ index }, place) => place > 0 && index <= entries[place - 1].index)) {
    fail("its entries are not in the log's order");
  }
  step(`Its ${entries.length} entries are in that log, unchanged`);
  const seat = content.record.header.pii_principal_id;
  const told = tell(seat, entries);
  checkRecord(content.record, seat, told);
  step("The record says what those entries say");
  await checkNotices(content.notices, told);
  step("The texts are those that were answered");
  return { content, checkpoint, standings: told.standings, entries: entries.map(({ index }) => index) };
}

function contentOf(page) {
  const [, rest] = splitAt(page, FIXED.opens);
  const [embedded, closed] = rest === undefined ? [] : splitAt(rest, FIXED.closes);
  return closed === undefined ? fail("there is no receipt in this page") : parse(embedded);
}

function splitAt(text, mark) {
  const place = text.indexOf(mark);
  return place < 0 ? [text] : [text.slice(0, place), text.slice(place + mark.length)];
}

async function checkEntry(entry, checkpoint) {
  const { index } = entry;
  const leaf = utf8.encode(entry.leaf);
  const path = entry.path.map(fromHex);
  if (!(await isIncluded(await leafHash(leaf), index, checkpoint.size, path, checkpoint.root))) {
    fail(`entry ${index} is not in the log of its checkpoint`);
  }
  const fields = readCanonical(entry.leaf);
  const committed = toHex(await sha256(joined(fromHex(entry.salt), utf8.encode(canonical(entry.body)))));
  if (!isObject(fields) || !isSame(Object.keys(fields), LEAF_FIELDS) || fields.v !== 1) {
    fail(`entry ${index} is of a form that this page does not know`);
  }
  const { commitment, kind, visit } = fields;
  if (commitment !== committed || kind !== entry.body.kind || visit !== entry.body.visit) {
    fail(`entry ${index} is not what the log holds`);
  }
  return { index, at: fields.at, event: entry.body };
}

async function checkNotices(notices, told) {
  if (!isSame(notices.map(({ sha256 }) => sha256), told.answered)) fail("its texts are not those that were answered");
  for (const notice of notices) {
    if ((await sha256OfText(notice.text)) !== notice.sha256) fail("its notice is not the one that was answered");
  }
}
