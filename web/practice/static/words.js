// The room's codes in words: each says what happened and what to do next.

const ERRORS = {
  full: { head: "The room is full", text: "All eight seats are taken. Try again when someone has left, or open another room." },
  name: { field: "name", head: "That name does not work here", text: "Choose a name of 1 to 80 characters that others can read." },
  not_found: { text: "Not sent: that person has left the room. Choose who should see it." },
  flood: { text: "Too many messages at once. The last one was not sent: wait a few seconds and send it again." },
  bad: { text: "The room did not understand this page. Reload it, then try again." },
};

const ENDINGS = {
  left: { head: "You left the room", text: "Your microphone is off and nothing more of your sound is sent." },
  replaced: { head: "You joined from another tab", text: "Your seat moved there. Your microphone in this tab is off." },
  bad: { head: "The room and this page did not understand each other", text: "Your microphone is off. Reload the page, then join again." },
};

export function errorWords({ code, text }) {
  return ERRORS[code] ?? { head: "The room refused", text: text || "The room could not do that. Reload the page, then try again." };
}

export function endedWords(reason) {
  return ENDINGS[reason] ?? { head: "The meeting is over", text: "The room ended it. Your microphone is off." };
}
