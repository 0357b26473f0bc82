// The chat: messages in order, threads, whispers, the notice, and what is unread while the chat is out of sight.

import { Composer } from "./composer.js";
import { byId, clockTime, element, icon, isolated, randomHex, withLinks } from "./dom.js";
import { isAnswerAnywhere, NoticeCard } from "./notice.js";

const KEPT_MESSAGES = 500;
const NARROW = matchMedia("(max-width: 900px)");

export class Chat {
  #send;
  #people;
  #onChange;
  #composer;
  #me = null;
  #messages = new Map();
  #notice = null; // the newest one: { card, message }
  #answers = new Map(); // nonce of an answer on its way -> its card
  #thread = null;
  #unread = 0;
  #followsNewest = true;

  /** `send(message)` is false without a line; `onChange` is told when the question or the unread count changed. */
  constructor({ send, people, onChange }) {
    this.#send = send;
    this.#people = people;
    this.#onChange = onChange;
    this.#composer = new Composer({ send, people, onReplyCancelled: () => {} });
    byId("chat-toggle").addEventListener("click", () => this.open(!this.isOpen));
    byId("chat-close").addEventListener("click", () => this.open(false));
    byId("thread-back").addEventListener("click", () => this.#showThread(null));
    byId("jump").addEventListener("click", () => this.#toEnd());
    this.#followScrolling(byId("messages-scroll"));
    byId("chat").addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      if (this.#thread) this.#showThread(null);
      else if (NARROW.matches) this.open(false);
    });
    NARROW.addEventListener("change", () => this.#readIfSeen());
  }

  get isOpen() {
    return byId("call").classList.contains("chat-open");
  }

  get isSeen() {
    return (this.isOpen || !NARROW.matches) && !document.hidden;
  }

  get unread() {
    return this.#unread;
  }

  /** A notice of a bot that is here, not answered yet. */
  get isAsked() {
    return Boolean(this.#notice && !this.#notice.card.answered && this.#people.isBot(this.#notice.message.seat));
  }

  start(me) {
    this.#me = me;
    this.#composer.listPeople();
  }

  peopleChanged() {
    this.#composer.listPeople();
  }

  open(shouldOpen) {
    byId("call").classList.toggle("chat-open", shouldOpen);
    byId("chat-toggle").setAttribute("aria-expanded", String(shouldOpen));
    this.#readIfSeen();
    if (!NARROW.matches) return;
    if (shouldOpen) this.#toEnd([...this.#messages.values()].at(-1));
    (shouldOpen ? byId("chat-text") : byId("chat-toggle")).focus({ preventScroll: true });
  }

  /** Brings the question into view, with the first answer in focus. */
  showNotice() {
    if (!this.#notice) return;
    this.open(true);
    this.#showThread(null);
    this.#notice.message.node.scrollIntoView({ block: "nearest" });
    this.#notice.card.focus();
  }

  stopPressed() {
    this.#notice?.card.stopped();
    this.#onChange();
  }

  /** What I sent was not taken. */
  fail(words) {
    for (const card of this.#answers.values()) card.fail(words);
    this.#answers.clear();
    if (this.#composer.isWaiting || words) this.#composer.fail(words);
  }

  lineLost() {
    for (const card of this.#answers.values()) card.fail("The line dropped before the room confirmed this answer. Answer again.");
    this.#answers.clear();
    if (this.#composer.isWaiting) this.#composer.fail("The line dropped before the room confirmed this message.");
  }

  take(said) {
    if (this.#messages.has(said.id)) return;
    const isMine = said.seat === this.#me;
    const message = { ...said, isMine, other: isMine ? said.to : said.seat, root: this.#rootOf(said) };
    this.#messages.set(said.id, message);
    message.node = this.#draw(message);
    byId("messages").append(message.node);
    byId("messages-empty").hidden = true;
    this.#countReplies(message.root);
    message.node.classList.toggle("of-thread", this.#isOfThread(message));
    if (isMine) this.#tookMine(message);
    else if (!this.isSeen) this.#unread += 1;
    if (this.#followsNewest || isMine) this.#toEnd(message);
    else byId("jump").hidden = false;
    this.#forgetOldest();
    this.#showUnread();
    this.#onChange();
  }

  #tookMine(message) {
    this.#composer.acknowledge(message.nonce);
    const sent = this.#answers.get(message.nonce);
    this.#answers.delete(message.nonce);
    const isToThread = this.#notice && message.reply_to === this.#notice.message.id;
    const isToAllOrBot = !message.to || this.#people.isBot(message.to);
    if (sent || isToThread) (sent ?? this.#notice.card).answeredWith(message.text, message.age_ms);
    else if (this.#notice && isToAllOrBot && isAnswerAnywhere(message.text)) this.#notice.card.answeredWith(message.text, message.age_ms);
  }

  #answer(message, card, phrase) {
    const nonce = randomHex(8);
    const isSent = this.#send({ t: "chat", text: phrase, reply_to: message.id, to: message.seat, nonce });
    if (isSent) this.#answers.set(nonce, card);
    return isSent;
  }

  #rootOf(said) {
    const parent = this.#messages.get(said.reply_to);
    return parent ? parent.root : said.reply_to ?? said.id;
  }

  #draw(message) {
    const isNotice = message.notice === true && this.#people.isBot(message.seat) && !message.isMine;
    const name = message.isMine ? "You" : message.name;
    const reply = element("button", { type: "button", className: "reply" }, [icon("reply"), "Reply"], { "aria-label": `Reply to ${name}` });
    reply.addEventListener("click", () => this.#composer.reply(message));
    const replies = element("button", { type: "button", className: "replies", hidden: true });
    replies.addEventListener("click", () => this.#showThread(message.root));
    const kinds = ["message", this.#people.isBot(message.seat) ? "of-bot" : this.#people.hueOf(message.seat), message.to ? "whisper" : "", isNotice ? "notice" : ""].filter(Boolean);
    const node = element("li", { className: kinds.join(" ") }, [
      element("p", { className: "message-by" }, [isolated(name, "message-name"), element("span", { className: "message-at" }, [clockTime(message.age_ms)])]),
      ...(message.to ? [this.#whisperMark(message)] : []),
      ...this.#quote(message),
      element("p", { className: "message-text" }, withLinks(message.text), { dir: "auto" }),
      element("p", { className: "message-links" }, [reply, replies]),
    ]);
    if (isNotice) this.#addAnswers(message, node);
    return node;
  }

  #whisperMark(message) {
    const other = this.#people.isBot(message.other) ? "onrecord" : this.#people.label(message.other, message.isMine ? "one person" : message.name);
    return element("p", { className: "whisper-mark" }, [icon("lock"), element("span", {}, [`Only you and ${other} see this`])]);
  }

  #quote(message) {
    if (!message.reply_to) return [];
    const parent = this.#messages.get(message.reply_to);
    const author = parent && (parent.isMine ? "You" : this.#people.isBot(parent.seat) ? "onrecord" : parent.name);
    const words = parent ? `${author}: ${parent.text}` : "An earlier message";
    const quote = element("button", { type: "button", className: "message-quote" }, [words], { "aria-label": `In reply to ${words}` });
    quote.addEventListener("click", () => parent && this.#find(parent.node));
    return [quote];
  }

  #addAnswers(message, node) {
    const card = new NoticeCard((phrase) => this.#answer(message, card, phrase));
    node.querySelector(".message-text").after(card.node);
    this.#notice?.message.node.classList.add("is-past");
    this.#notice = { card, message };
  }

  #find(node) {
    node.scrollIntoView({ block: "center" });
    node.classList.remove("found");
    requestAnimationFrame(() => node.classList.add("found"));
  }

  #countReplies(root) {
    const head = this.#messages.get(root);
    if (!head?.node) return;
    const count = [...this.#messages.values()].filter((message) => message.root === root).length - 1;
    const button = head.node.querySelector(".replies");
    button.hidden = count < 1;
    button.textContent = count === 1 ? "1 reply" : `${count} replies`;
  }

  #isOfThread(message) {
    return this.#thread !== null && message.root === this.#thread;
  }

  #showThread(root) {
    this.#thread = root;
    byId("messages").classList.toggle("in-thread", root !== null);
    byId("chat-title").textContent = root === null ? "Chat" : "Thread";
    byId("thread-back").hidden = root === null;
    for (const message of this.#messages.values()) message.node.classList.toggle("of-thread", this.#isOfThread(message));
    this.#composer.reply(root === null ? null : this.#messages.get(root) ?? null);
    this.#toEnd();
  }

  #isAtEnd() {
    const frame = byId("messages-scroll");
    return frame.scrollHeight - frame.scrollTop - frame.clientHeight < 60;
  }

  // Only scrolling up stops following; a frame that shrinks under the messages (a keyboard, a taller dock) does not.
  #followScrolling(frame) {
    let top = 0;
    frame.addEventListener("scroll", () => {
      if (this.#isAtEnd()) {
        this.#followsNewest = true;
        byId("jump").hidden = true;
      } else if (frame.scrollTop < top) this.#followsNewest = false;
      top = frame.scrollTop;
    });
    new ResizeObserver(() => this.#followsNewest && this.#toEnd()).observe(frame);
  }

  /** To the newest; one that is taller than the frame is shown from its first line. */
  #toEnd(newest = null) {
    const frame = byId("messages-scroll");
    frame.scrollTop = frame.scrollHeight;
    this.#followsNewest = true;
    byId("jump").hidden = true;
    if (newest && newest.node.offsetHeight > frame.clientHeight) newest.node.scrollIntoView({ block: "start" });
  }

  #forgetOldest() {
    for (const [id, message] of this.#messages) {
      if (this.#messages.size <= KEPT_MESSAGES) break;
      if (message === this.#notice?.message) continue;
      message.node.remove();
      this.#messages.delete(id);
    }
  }

  #readIfSeen() {
    if (!this.isSeen) return;
    this.#unread = 0;
    this.#showUnread();
    this.#onChange();
  }

  seen() {
    this.#readIfSeen();
  }

  #showUnread() {
    const badge = byId("unread");
    badge.hidden = this.#unread === 0;
    badge.replaceChildren(this.#unread > 99 ? "99+" : String(this.#unread), element("span", { className: "unseen" }, [" unread"]));
  }
}
