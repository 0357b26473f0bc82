// Writing: to whom, in answer to what, and nothing is shown as sent before the room has taken it.

import { byId, element, randomHex } from "./dom.js";

const ACK_MS = 5000;

export class Composer {
  #send;
  #people;
  #replyTo = null;
  #waiting = null;

  /** `send(message)` is false without a line; `people` knows seats and names. */
  constructor({ send, people, onReplyCancelled }) {
    this.#send = send;
    this.#people = people;
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    byId("chat-text").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#submit();
      } else if (event.key === "Escape" && this.#replyTo) {
        event.stopPropagation();
        this.reply(null);
      }
    });
    byId("audience").addEventListener("change", () => this.#noteAudience());
    byId("reply-cancel").addEventListener("click", () => {
      this.reply(null);
      onReplyCancelled();
      byId("chat-text").focus();
    });
    this.listPeople();
  }

  /** Answer to this message; a whisper is answered by a whisper, a notice by one to the bot alone. */
  reply(message) {
    this.#replyTo = message;
    byId("replying").hidden = !message;
    if (!message) return;
    byId("replying").querySelector(".replying-to").textContent = message.isMine ? "Your message" : message.name;
    byId("replying").querySelector(".replying-text").textContent = message.text;
    const privately = message.to || message.notice ? message.other : "";
    if (privately) this.#choose(privately);
    byId("chat-text").focus();
  }

  get isReplying() {
    return Boolean(this.#replyTo);
  }

  listPeople() {
    const chosen = byId("audience").value;
    const options = this.#people.others().map(({ seat, kind }) => element("option", { value: seat }, [`${kind === "bot" ? "onrecord" : this.#people.label(seat)} only`]));
    byId("audience").replaceChildren(element("option", { value: "" }, ["Everyone"]), ...options);
    this.#choose(chosen);
  }

  /** The room has taken a message of mine. */
  acknowledge(nonce) {
    if (this.#waiting?.nonce !== nonce) return;
    this.#settle();
    byId("chat-text").value = "";
    this.reply(null);
  }

  fail(words) {
    if (this.#waiting) this.#settle();
    this.#problem(words);
  }

  get isWaiting() {
    return Boolean(this.#waiting);
  }

  // Somebody who left stays chosen: a whisper must not turn into a message to everyone.
  #choose(seat) {
    const list = byId("audience");
    if (seat && ![...list.options].some((option) => option.value === seat)) list.append(element("option", { value: seat }, ["someone who left"]));
    list.value = seat;
    this.#noteAudience();
  }

  #noteAudience() {
    const seat = byId("audience").value;
    const note = byId("audience-note");
    note.hidden = !seat;
    note.querySelector("span").textContent = seat ? "Private" : "";
    byId("composer").classList.toggle("whispering", Boolean(seat));
  }

  #submit() {
    const text = byId("chat-text").value.trim();
    const to = byId("audience").value || null;
    if (!text || this.#waiting) return;
    if (to && !this.#people.others().some(({ seat }) => seat === to)) return this.#problem("That person has left. Choose who should see this message.");
    const nonce = randomHex(8);
    if (!this.#send({ t: "chat", text, reply_to: this.#replyTo?.id ?? null, to, nonce })) return this.#problem("Not sent: the line to the room is down. Your words stay here.");
    this.#problem("");
    byId("chat-text").readOnly = true;
    this.#waiting = { nonce, timer: setTimeout(() => this.fail("The room did not confirm this message. Look whether it is there before you send it again."), ACK_MS) };
  }

  #settle() {
    clearTimeout(this.#waiting.timer);
    this.#waiting = null;
    byId("chat-text").readOnly = false;
  }

  #problem(words) {
    byId("chat-problem").textContent = words;
    byId("chat-problem").hidden = !words;
  }
}
