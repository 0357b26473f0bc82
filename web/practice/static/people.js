// Who is in the room: a tile for each person, and for the bot the tile on which it says what it is doing.

import { byId, changeIcon, element, icon, initials, isolated, outsideLink, webAddress } from "./dom.js";

const COLUMNS = { 1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4 };
const HUES = 8;
const TILE_WORDS = { not_recording: "NOT RECORDING", recording: "RECORDING · write stop", paused: "PAUSED" };
const TILE_CLASSES = { recording: "is-recording", paused: "is-paused" };

export class People {
  #code;
  #seats = new Map();
  #tiles = new Map();
  #hues = new Map();
  #me = null;
  #tile = null;
  #pageLink = null;

  constructor(code) {
    this.#code = code;
  }

  /** Everybody anew, after a welcome. */
  reset(me, people, tile) {
    this.#me = me;
    this.#tile = tile ?? null;
    this.#seats = new Map(people.map((person) => [person.seat, { ...person }]));
    this.#tiles.clear();
    byId("people").replaceChildren();
    byId("bots").replaceChildren();
    for (const person of people) this.#add(person);
    this.#arrange();
  }

  join(person) {
    this.#seats.set(person.seat, { ...person });
    this.#tiles.get(person.seat)?.remove();
    this.#add(person);
    this.#arrange();
  }

  leave(seat) {
    const person = this.#seats.get(seat);
    this.#seats.delete(seat);
    this.#tiles.get(seat)?.remove();
    this.#tiles.delete(seat);
    if (person?.kind === "bot" && !this.botSeat) this.#tile = null;
    this.#arrange();
    return person;
  }

  get botSeat() {
    for (const person of this.#seats.values()) if (person.kind === "bot") return person.seat;
    return null;
  }

  get tileState() {
    return this.botSeat ? this.#tile?.state ?? "not_recording" : null;
  }

  /** The bot's page as last shown; it outlives the bot's stay, because answers can be changed there later. */
  get pageLink() {
    return this.#pageLink;
  }

  isBot(seat) {
    return this.#seats.get(seat)?.kind === "bot";
  }

  others() {
    return [...this.#seats.values()].filter(({ seat }) => seat !== this.#me);
  }

  /** A name that tells two people of one name apart. */
  label(seat, fallback = "someone who left") {
    const person = this.#seats.get(seat);
    if (!person) return fallback;
    const isAlone = [...this.#seats.values()].every((other) => other.seat === seat || other.name !== person.name);
    return isAlone ? person.name : `${person.name} · ${seat.slice(0, 4)}`;
  }

  /** A colour that stays with the seat, and that nobody else here has. */
  hueOf(seat) {
    if (!this.#hues.has(seat)) {
      const taken = new Set([...this.#hues].filter(([other]) => this.#seats.has(other)).map(([, hue]) => hue));
      let hue = [...seat].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 997, 0) % HUES;
      for (let tries = 0; tries < HUES && taken.has(hue); tries += 1) hue = (hue + 1) % HUES;
      this.#hues.set(seat, hue);
    }
    return `hue-${this.#hues.get(seat)}`;
  }

  setMicrophone(seat, on) {
    const person = this.#seats.get(seat);
    if (!person) return;
    person.mic = on;
    const tile = this.#tiles.get(seat);
    if (tile && person.kind !== "bot") tile.querySelector(".muted-mark").hidden = on;
  }

  setSpeaking(seat, isSpeaking) {
    this.#tiles.get(seat)?.classList.toggle("speaking", isSpeaking);
  }

  silence() {
    for (const tile of this.#tiles.values()) tile.classList.remove("speaking");
  }

  showTile(tile) {
    this.#tile = tile.state ? tile : null;
    for (const [seat, drawn] of this.#tiles) if (this.isBot(seat)) this.#drawTile(drawn, this.#seats.get(seat));
    this.#arrange();
  }

  #add(person) {
    const isBot = person.kind === "bot";
    const tile = isBot ? this.#botTile(person) : this.#personTile(person);
    this.#tiles.set(person.seat, tile);
    byId(isBot ? "bots" : "people").append(tile);
  }

  #personTile(person) {
    const muted = element("span", { className: "muted-mark", hidden: person.mic !== false }, [icon("mic-off"), element("span", { className: "unseen" }, ["microphone off"])]);
    const plate = element("p", { className: "plate" }, [muted, isolated(person.name, "plate-name"), element("span", { className: "plate-extra" }), bars()]);
    const picture = element("span", { className: "initials" }, [initials(person.name)], { "aria-hidden": "true" });
    return element("li", { className: `person ${this.hueOf(person.seat)}` }, [picture, plate]);
  }

  #botTile(person) {
    const facts = element("div", { className: "bot-facts" }, [
      element("p", { className: "bot-state" }, [], { role: "status" }),
      element("p", { className: "bot-text" }),
      element("p", { className: "bot-name" }, [isolated(person.name)]),
      element("p", { className: "bot-invited" }),
    ]);
    const tile = element("article", { className: "bot" }, [element("span", { className: "bot-ring" }, [], { "aria-hidden": "true" }), facts, element("div", { className: "bot-page" })], { "aria-label": "onrecord" });
    this.#drawTile(tile, person);
    return tile;
  }

  #drawTile(drawn, person) {
    const state = this.#tile?.state ?? "not_recording";
    const headline = TILE_WORDS[state] ?? String(state).replaceAll("_", " ").toUpperCase();
    const text = this.#tile?.text ?? "";
    const inviter = this.#tile?.invited_by || person.invited_by;
    for (const [each, className] of Object.entries(TILE_CLASSES)) drawn.classList.toggle(className, each === state);
    drawn.querySelector(".bot-state").textContent = headline;
    drawn.querySelector(".bot-text").textContent = sameWords(text, headline) ? "" : text;
    drawn.querySelector(".bot-invited").replaceChildren(...(inviter ? ["Invited by ", isolated(inviter)] : []));
    drawn.querySelector(".bot-page").replaceChildren(...this.#pageNodes());
  }

  #pageNodes() {
    const address = webAddress(this.#tile?.link ?? "");
    if (!address) return [];
    this.#pageLink = address;
    const code = element("img", { alt: "QR code of the page where you answer", src: `/room/${this.#code}/qr.svg?for=${encodeURIComponent(address.slice(-32))}` });
    code.addEventListener("error", () => code.remove());
    return [code, outsideLink(address, "Answer on your own page")];
  }

  #arrange() {
    const people = [...this.#seats.values()].filter(({ kind }) => kind !== "bot");
    byId("people").dataset.columns = COLUMNS[Math.min(people.length, 8)] ?? 1;
    for (const { seat, name } of people) {
      const extra = seat === this.#me ? "(you)" : this.label(seat).slice(name.length);
      this.#tiles.get(seat).querySelector(".plate-extra").textContent = extra;
    }
    byId("alone").hidden = people.length !== 1;
    byId("people-count").textContent = people.length === 1 ? "1 person" : `${people.length} people`;
    byId("call-mark").className = `mark ${TILE_CLASSES[this.tileState] ?? ""}`;
  }
}

function bars() {
  return element("span", { className: "bars" }, [element("i"), element("i"), element("i")], { "aria-hidden": "true" });
}

function sameWords(one, other) {
  const bare = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  return !one || bare(other).startsWith(bare(one));
}

/** The mute button's words and picture. */
export function drawMute(button, { hasMicrophone, isOn }) {
  changeIcon(button, isOn ? "mic" : "mic-off");
  button.classList.toggle("is-off", !isOn);
  button.querySelector("span").textContent = !hasMicrophone ? "No microphone" : isOn ? "Mute" : "Unmute";
}
