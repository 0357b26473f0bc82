// The notice as a card: what the bot asks, three answers of equal weight, and what I answered last.
// An answer is a threaded whisper to the bot; reading it is the bot's affair, so the card repeats my words and judges nothing.

import { clockTime, element, icon } from "./dom.js";

const ANSWERS = [
  { phrase: "record yes", words: "Yes, record me", means: "My sound, and a transcript of it" },
  { phrase: "sound only", words: "Sound only", means: "My sound, no transcript" },
  { phrase: "record no", words: "No, don’t record me", means: "Nothing of my voice is kept" },
];
const STOP = "stop";

/** Words that the bot takes for an answer wherever in the chat they stand. */
export const isAnswerAnywhere = (text) => [STOP, ...ANSWERS.map(({ phrase }) => phrase)].includes(text.trim().toLowerCase());

export class NoticeCard {
  #buttons = new Map();
  #status = element("p", { className: "answered" }, ["The others in the room do not see your answer. No answer counts as a no."], { role: "status" });
  answered = false;

  /** `answer(phrase)` sends it and returns false when there is no line. */
  constructor(answer) {
    for (const { phrase, words, means } of ANSWERS) {
      const label = element("span", {}, [element("strong", {}, [words]), element("small", {}, [means])]);
      const button = element("button", { className: "answer", type: "button" }, [label, icon("check")], { "aria-pressed": "false" });
      button.addEventListener("click", () => {
        if (answer(phrase)) this.#wait(phrase);
        else this.fail("Not sent: the line to the room is down. Answer again when it is back.");
      });
      this.#buttons.set(phrase, button);
    }
    this.node = element("div", {}, [element("div", { className: "answers" }, [...this.#buttons.values()], { role: "group", "aria-label": "Your answer" }), this.#status]);
  }

  focus() {
    this.#buttons.values().next().value.focus();
  }

  #wait(phrase) {
    for (const button of this.#buttons.values()) button.disabled = true;
    this.#status.textContent = `Sending “${phrase}”…`;
  }

  fail(words) {
    for (const button of this.#buttons.values()) button.disabled = false;
    this.#status.textContent = words;
  }

  get isWaiting() {
    return [...this.#buttons.values()].some((button) => button.disabled);
  }

  /** The room has taken my words. */
  answeredWith(text, ageMs) {
    this.#record([`You answered `, element("strong", {}, [`“${text}”`]), ` at ${clockTime(ageMs)}. You can change it at any time.`], text.trim().toLowerCase());
  }

  stopped() {
    this.#record(["You pressed ", element("strong", {}, ["Stop keeping my voice"]), ` at ${clockTime(0)}. Only you can take that back.`], STOP);
  }

  #record(words, phrase) {
    this.answered = true;
    this.#status.replaceChildren(...words);
    for (const [each, button] of this.#buttons) {
      button.disabled = false;
      button.setAttribute("aria-pressed", String(each === phrase));
    }
  }
}
