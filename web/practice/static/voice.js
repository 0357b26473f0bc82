// The strip that is always in sight: whether my voice is being kept, and the button that stops it.
// It believes the room's own `forwarding` over the bot's `kept`: what the bot is not sent it cannot keep.

import { byId } from "./dom.js";

/** What the strip says, from facts alone. `stop`: null | "sent" | "unconfirmed". */
export function voiceWords({ connected, botHere, forwarding, kept, stop, microphoneOn }) {
  if (!connected) {
    return { tone: "doubt", head: "Nothing of yours is being sent", detail: "The line to the room is down; your sound stays here until it is back.", canStop: forwarding };
  }
  if (stop === "sent") return { tone: "doubt", head: "Stopping…", detail: "Your sound is held back here until the room confirms.", canStop: false };
  if (stop === "unconfirmed") {
    return { tone: "doubt", head: "Your microphone is held back", detail: "The room has not confirmed the stop yet, so nothing of yours is sent to anyone.", canStop: true };
  }
  if (!forwarding) {
    const detail = botHere ? "onrecord does not receive your sound." : "No recording bot is in this room.";
    return { tone: "calm", head: "Your voice is not being kept", detail, canStop: false };
  }
  if (!kept) return { tone: "received", head: "Your voice is not being kept", detail: "onrecord receives your sound because you agreed, and keeps none of it now.", canStop: true };
  if (!microphoneOn) return { tone: "kept", head: "Your voice is kept when you speak", detail: "Your microphone is off at the moment.", canStop: true };
  return { tone: "kept", head: "Your voice is being kept", detail: "onrecord receives and records your sound.", canStop: true };
}

export class VoiceStrip {
  constructor({ onStop, onAnswer }) {
    byId("voice-stop").addEventListener("click", onStop);
    byId("voice-answer").addEventListener("click", onAnswer);
  }

  show(facts, isAsked) {
    const words = voiceWords(facts);
    const stop = byId("voice-stop");
    byId("voice").dataset.tone = words.tone;
    setText(byId("voice-head"), words.head);
    setText(byId("voice-detail"), words.detail);
    const hadFocus = document.activeElement === stop;
    stop.hidden = !words.canStop;
    if (hadFocus && stop.hidden) byId("mute").focus();
    byId("voice-answer").hidden = !isAsked || words.canStop || !facts.connected;
  }
}

// A status region is read out again at every write, so unchanged words are left alone.
function setText(holder, text) {
  if (holder.textContent !== text) holder.textContent = text;
}
