// The line to the room: joins, and joins again with the same token when the line drops, so that the seat stays mine.
// Pushes "message" (one from the room), "state" (joining | open | lost | closed). Knows nothing of sound or of the page.

import { randomHex } from "./dom.js";

const PERSON_KEY = "onrecord.person";
const RETRY_MS = [400, 800, 1500, 3000, 5000];
const SILENT_JOIN_MS = 6000; // a line that opens and then says nothing is no line
const PASSING_ENDS = new Set(["media_lost", "too_slow", "room_closed"]); // my seat is still mine: come back

export class RoomConnection extends EventTarget {
  #code;
  #token;
  #person = keptPerson();
  #socket = null;
  #name = "";
  #attempt = 0;
  #timer = null;
  #welcomed = false;

  constructor(code) {
    super();
    this.#code = code;
    this.#token = keptToken(code);
  }

  get isOpen() {
    return this.#welcomed && this.#socket?.readyState === WebSocket.OPEN;
  }

  join(name) {
    this.#name = name;
    this.#attempt = 0;
    this.#open();
  }

  retryNow() {
    if (this.isOpen) return;
    this.#attempt = 0;
    this.#open();
  }

  /** False when there is no line now; nothing is queued behind the person's back. */
  send(message) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  leave() {
    this.send({ t: "leave" });
    this.#close();
  }

  /** The sound's path died although the line still stands: start over with the same seat. */
  restart() {
    this.#drop();
    this.#lost();
  }

  #open() {
    this.#drop();
    this.#tell("state", this.#attempt ? "lost" : "joining");
    const address = new URL(`/room/${this.#code}/ws`, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#timer = setTimeout(() => socket === this.#socket && this.restart(), SILENT_JOIN_MS);
    socket.addEventListener("open", () => socket.send(JSON.stringify({ t: "join", name: this.#name, kind: "person", token: this.#token, person: this.#person })));
    socket.addEventListener("close", () => {
      if (socket !== this.#socket) return;
      this.#drop();
      this.#lost();
    });
    socket.addEventListener("message", (event) => socket === this.#socket && this.#take(JSON.parse(event.data)));
  }

  #take(message) {
    if (message.t === "welcome") {
      clearTimeout(this.#timer);
      this.#welcomed = true;
      this.#attempt = 0;
      this.#tell("state", "open");
    }
    if (message.t === "ended" && PASSING_ENDS.has(message.reason)) return this.restart();
    const isRefusal = message.t === "error" && !this.#welcomed;
    if (isRefusal || message.t === "ended") this.#close();
    this.#tell("message", message);
  }

  #lost() {
    const wait = RETRY_MS[Math.min(this.#attempt, RETRY_MS.length - 1)];
    this.#attempt += 1;
    this.#tell("state", "lost");
    this.#timer = setTimeout(() => this.#open(), wait * (0.8 + 0.4 * Math.random()));
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#welcomed = false;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #close() {
    this.#drop();
    this.#tell("state", "closed");
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

/** A secret of this browser, the same in every room. The room tells bots a hash of it, so that they know me again. */
function keptPerson() {
  const fresh = randomHex(16);
  try {
    const kept = localStorage.getItem(PERSON_KEY);
    if (kept?.length >= 16) return kept;
    localStorage.setItem(PERSON_KEY, fresh);
    return fresh;
  } catch {
    return null; // storage is switched off: nobody knows this browser again
  }
}

function keptToken(code) {
  const key = `onrecord.token.${code}`;
  const fresh = randomHex(16);
  try {
    const kept = sessionStorage.getItem(key);
    if (kept) return kept;
    sessionStorage.setItem(key, fresh);
  } catch {
    // Storage is switched off: the seat then lasts as long as this page.
  }
  return fresh;
}
