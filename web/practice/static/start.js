// The start page: makes a room code that can be said aloud, or takes one out of a code or link that was pasted.

const CODE = /^[a-z0-9-]{3,40}$/;
const CONSONANTS = "bdfgklmnprstvz";
const VOWELS = "aeiou";

function letterOf(letters) {
  const limit = 256 - (256 % letters.length); // above it the first letters would come up more often
  for (;;) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    if (byte < limit) return letters[byte % letters.length];
  }
}

function newCode() {
  const syllable = () => letterOf(CONSONANTS) + letterOf(VOWELS);
  return Array.from({ length: 4 }, () => syllable() + syllable()).join("-");
}

function codeOf(text) {
  const words = text.trim().toLowerCase();
  const inLink = words.match(/\/room\/([a-z0-9-]{3,40})(?:[/?#]|$)/);
  const code = inLink ? inLink[1] : words.replace(/\s+/g, "-");
  return CODE.test(code) ? code : null;
}

document.getElementById("create").addEventListener("click", () => location.assign(`/room/${newCode()}`));

document.getElementById("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.getElementById("code");
  const problem = document.getElementById("code-problem");
  const code = codeOf(field.value);
  problem.hidden = code !== null;
  field.toggleAttribute("aria-invalid", code === null);
  if (code) return location.assign(`/room/${code}`);
  problem.textContent = "That is not a room code. It has 3 to 40 letters (a to z), digits and hyphens, or is the whole link.";
  field.focus();
});
