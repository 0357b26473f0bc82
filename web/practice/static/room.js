// The room's page: holds the few facts of my stay and lets the parts draw them. Nothing of it is put on `window`.

import { Chat } from "./chat.js";
import { RoomConnection } from "./connection.js";
import { byId } from "./dom.js";
import { copyLinkOnClick, keepAboveKeyboard } from "./frame.js";
import { Lobby } from "./lobby.js";
import { drawMute, People } from "./people.js";
import { isSpeech, Media, Microphone, MicrophoneProblem } from "./sound.js";
import { VoiceStrip } from "./voice.js";
import { endedWords, errorWords } from "./words.js";

const LEVELS_MS = 100;
const SPEAKING_HOLD_MS = 350;
const STOP_CONFIRMED_WITHIN_MS = 3000;
const DEAD_SILENCE_MS = 6000;

const code = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const microphone = new Microphone();
const people = new People(code);
const connection = new RoomConnection(code);
const chat = new Chat({ send: (message) => connection.send(message), people, onChange: show });
const voice = new VoiceStrip({ onStop: stopVoice, onAnswer: () => chat.showNotice() });
const lobby = new Lobby(microphone, { onJoin: (name) => join(name) });

const stay = { name: "", me: null, wantsMicrophone: true, forwarding: false, kept: false, stop: null, stopTimer: null, isWelcome: false, hasEnded: false };
let media = null;
let levelTimer = null;
const soundingUntil = new Map();
let silentFrom = null; // since when the microphone has given nothing but zeros; Infinity once it has given a sound

for (const place of document.querySelectorAll(".the-code")) place.textContent = code;
document.title = `${code} · onrecord`;
copyLinkOnClick(announce);
keepAboveKeyboard(byId("call"));
lobby.show();

// ---- coming and going -------------------------------------------------------------------------------------------

function join(name) {
  silentFrom = null;
  lobby.busy(true);
  lobby.problem("join", "");
  Object.assign(stay, { name, wantsMicrophone: true, hasEnded: false });
  connection.join(name);
}

async function welcome(message) {
  Object.assign(stay, { isWelcome: true, me: message.seat, forwarding: false, kept: false });
  const me = { seat: message.seat, name: stay.name, kind: "person", mic: microphoneIsOn() };
  people.reset(message.seat, [me, ...message.people.filter(({ seat }) => seat !== message.seat)], message.tile);
  chat.start(message.seat);
  if (byId("call").hidden) {
    lobby.hide();
    byId("ended").hidden = true;
    byId("call").hidden = false;
    byId("stage").focus({ preventScroll: true });
    announce("You are in the room.");
  }
  if (stay.stop) connection.send({ t: "stop_voice" }); // pressed while the line was down: said before any sound goes out
  await startMedia();
}

async function startMedia() {
  closeMedia();
  const mine = new Media(microphone.track);
  media = mine;
  applyMicrophone();
  mine.addEventListener("failed", () => mine === media && connection.restart());
  mine.addEventListener("blocked", () => (byId("sound-blocked").hidden = false));
  levelTimer = setInterval(watchLevels, LEVELS_MS);
  const sdp = await mine.offer();
  if (mine === media) connection.send({ t: "offer", sdp });
}

function closeMedia() {
  clearInterval(levelTimer);
  media?.close();
  media = null;
  soundingUntil.clear();
  people.silence();
}

function end(words) {
  stay.hasEnded = true;
  clearTimeout(stay.stopTimer);
  const wasInCall = !byId("call").hidden;
  closeMedia();
  if (!wasInCall) {
    lobby.problem(words.field ?? "join", words.text);
    return lobby.busy(false);
  }
  microphone.close();
  byId("call").hidden = true;
  byId("ended").hidden = false;
  byId("ended-head").textContent = words.head;
  byId("ended-words").textContent = words.text;
  byId("ended-page").hidden = !people.pageLink;
  if (people.pageLink) byId("ended-link").href = people.pageLink;
  byId("ended-head").focus();
}

// ---- what the room says -----------------------------------------------------------------------------------------

const TAKES = {
  welcome,
  answer: (message) => media?.accept(message.sdp),
  slot: (message) => media?.assign(message.slot, message.seat),
  joined: ({ person }) => {
    people.join(person);
    chat.peopleChanged();
    announce(`${person.name} joined.`);
  },
  left: ({ seat }) => {
    const person = people.leave(seat);
    if (person?.kind === "bot" && !people.botSeat) stay.kept = false;
    chat.peopleChanged();
    if (person) announce(`${person.name} left.`);
  },
  chat: (message) => chat.take(message),
  mic: ({ seat, on }) => people.setMicrophone(seat, on),
  tile: (message) => people.showTile(message),
  kept: ({ kept }) => (stay.kept = kept),
  forwarding: ({ on }) => {
    stay.forwarding = on;
    if (!on) stopConfirmed();
  },
  error: (message) => {
    const words = errorWords(message);
    if (stay.isWelcome) chat.fail(words.text);
    else end(words);
  },
  ended: ({ reason }) => end(endedWords(reason)),
};

connection.addEventListener("message", async ({ detail }) => {
  await TAKES[detail.t]?.(detail);
  show();
});

connection.addEventListener("state", ({ detail }) => {
  stay.isWelcome &&= detail === "open";
  if (detail === "lost") {
    // No line, no sound: while this page cannot tell what becomes of my voice it sends none.
    closeMedia();
    chat.lineLost();
    if (byId("call").hidden) lobby.problem("join", "The room does not answer. Trying again…");
  }
  show();
});

byId("retry-now").addEventListener("click", () => connection.retryNow());
byId("leave").addEventListener("click", () => {
  connection.leave();
  end(endedWords("left"));
});
byId("rejoin").addEventListener("click", async () => {
  byId("ended").hidden = true;
  await lobby.show();
  byId("join").focus();
});
addEventListener("pagehide", () => connection.leave());
addEventListener("pageshow", (event) => event.persisted && location.reload());
document.addEventListener("visibilitychange", () => chat.seen());

// ---- my voice ---------------------------------------------------------------------------------------------------

function stopVoice() {
  // Closing does not wait: the sound is held back here before the room has even heard of it.
  stay.stop = "sent";
  applyMicrophone();
  connection.send({ t: "stop_voice" });
  chat.stopPressed();
  clearTimeout(stay.stopTimer);
  stay.stopTimer = setTimeout(() => {
    if (stay.stop) stay.stop = "unconfirmed";
    show();
  }, STOP_CONFIRMED_WITHIN_MS);
  show();
}

function stopConfirmed() {
  if (!stay.stop) return;
  clearTimeout(stay.stopTimer);
  stay.stop = null;
  applyMicrophone();
  announce("Stopped. onrecord does not receive your sound.");
}

function microphoneIsOn() {
  return stay.wantsMicrophone && Boolean(microphone.track);
}

function applyMicrophone() {
  if (microphone.track) microphone.track.enabled = microphoneIsOn() && !stay.stop;
  connection.send({ t: "mic", on: microphoneIsOn() });
  if (stay.me) people.setMicrophone(stay.me, microphoneIsOn());
}

byId("mute").addEventListener("click", async () => {
  if (!microphone.track) return openMicrophone();
  stay.wantsMicrophone = !stay.wantsMicrophone;
  applyMicrophone();
  show();
});

async function openMicrophone() {
  try {
    await microphone.open();
    await media?.send(microphone.track);
    silentFrom = null;
    stay.wantsMicrophone = true;
    byId("mic-trouble").hidden = true;
  } catch (problem) {
    if (!(problem instanceof MicrophoneProblem)) throw problem;
    microphoneTrouble(problem.message);
  }
  applyMicrophone();
  show();
}

function microphoneTrouble(words) {
  if (byId("call").hidden) return;
  byId("mic-trouble-words").textContent = words;
  byId("mic-trouble").hidden = false;
}

byId("mic-again").addEventListener("click", openMicrophone);
microphone.addEventListener("lost", () => {
  media?.send(null);
  applyMicrophone();
  microphoneTrouble("Your microphone was unplugged. The others do not hear you.");
  show();
});

byId("sound-on").addEventListener("click", async () => {
  await media?.playAll();
  byId("sound-blocked").hidden = true;
});

// ---- drawing ----------------------------------------------------------------------------------------------------

function watchLevels() {
  if (!media) return;
  const now = performance.now();
  const levels = media.levels();
  const own = microphoneIsOn() && !stay.stop ? microphone.level() : 0;
  levels.set(stay.me, own);
  watchForDeadMicrophone(own, now);
  for (const [seat, level] of levels) {
    if (isSpeech(level)) soundingUntil.set(seat, now + SPEAKING_HOLD_MS);
  }
  for (const [seat, until] of soundingUntil) {
    people.setSpeaking(seat, levels.has(seat) && until > now);
    if (until <= now) soundingUntil.delete(seat);
  }
}

// A microphone that has given only zeros since it was opened is switched off somewhere, or the wrong one.
function watchForDeadMicrophone(level, now) {
  if (!microphoneIsOn() || stay.stop || silentFrom === Infinity) return;
  silentFrom ??= now;
  if (level > 0) {
    silentFrom = Infinity;
    byId("mic-trouble").hidden = true;
  } else if (now - silentFrom > DEAD_SILENCE_MS) {
    microphoneTrouble("Your microphone has sent nothing so far. Check that it is switched on, or choose another one in your system’s settings.");
  }
}

function show() {
  const isConnected = connection.isOpen;
  byId("reconnecting").hidden = isConnected || stay.hasEnded;
  byId("call").classList.toggle("is-lost", !isConnected);
  byId("reconnecting-words").textContent = "You come back to the same seat.";
  drawMute(byId("mute"), { hasMicrophone: Boolean(microphone.track), isOn: microphoneIsOn() });
  voice.show(
    { connected: isConnected, botHere: Boolean(people.botSeat), forwarding: stay.forwarding, kept: stay.kept, stop: stay.stop, microphoneOn: microphoneIsOn() },
    chat.isAsked,
  );
  const signs = [people.tileState === "recording" ? "● " : "", chat.unread ? `(${chat.unread}) ` : ""].join("");
  document.title = `${signs}${code} · onrecord`;
}

function announce(words) {
  byId("announcer").textContent = words;
}
