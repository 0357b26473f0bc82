// The lobby: a name, a look at the microphone, and the click that lets the page play sound.

import { byId, element } from "./dom.js";
import { audioContext, isSpeech, microphoneIsAllowed, MicrophoneProblem, microphones } from "./sound.js";

const NAME_KEY = "onrecord.name";

export class Lobby {
  #microphone;
  #timer = null;

  constructor(microphone, { onJoin }) {
    this.#microphone = microphone;
    byId("name").value = remembered();
    byId("mic-check").addEventListener("click", () => this.check());
    byId("mic-device").addEventListener("change", (event) => this.check(event.target.value));
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#microphone.track && this.#listDevices());
    microphone.addEventListener("lost", () => this.#showMicrophone("The microphone was unplugged. Plug it in and check again, or join and listen."));
    byId("join-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = byId("name").value.trim();
      this.problem("name", name ? "" : "Write the name that the others will see.");
      if (!name) return byId("name").focus();
      remember(name);
      audioContext();
      onJoin(name);
    });
  }

  async show() {
    byId("lobby").hidden = false;
    this.busy(false);
    if (this.#microphone.track) this.#showMicrophone();
    else if (await microphoneIsAllowed()) await this.check();
  }

  hide() {
    byId("lobby").hidden = true;
    clearInterval(this.#timer);
  }

  busy(isBusy) {
    const button = byId("join");
    button.disabled = isBusy;
    button.textContent = isBusy ? "Joining…" : this.#microphone.track ? "Join" : "Join without a microphone";
  }

  problem(which, words) {
    const holder = byId(`${which}-problem`);
    holder.textContent = words;
    holder.hidden = !words;
    if (which === "name") byId("name").toggleAttribute("aria-invalid", Boolean(words));
  }

  async check(deviceId = "") {
    byId("mic-check").disabled = true;
    try {
      await this.#microphone.open(deviceId);
      this.#showMicrophone();
    } catch (problem) {
      if (!(problem instanceof MicrophoneProblem)) throw problem;
      this.#showMicrophone(problem.message);
    } finally {
      byId("mic-check").disabled = false;
    }
  }

  #showMicrophone(problem = "") {
    const works = Boolean(this.#microphone.track);
    byId("mic-live").hidden = !works;
    byId("mic-check").hidden = works;
    this.problem("mic", problem);
    this.busy(false);
    clearInterval(this.#timer);
    if (!works) return;
    this.#listDevices();
    this.#watchLevel();
  }

  #watchLevel() {
    const meter = byId("mic-meter").firstElementChild;
    let looks = 0;
    let wasHeard = false;
    this.#timer = setInterval(() => {
      const level = this.#microphone.level();
      looks += 1;
      wasHeard ||= isSpeech(level);
      meter.style.setProperty("--level", level.toFixed(3));
      byId("mic-line").classList.toggle("hears", isSpeech(level));
      const silence = looks < 50 ? "Say something: the bar should move." : "Nothing is heard yet. Speak up, or choose another microphone.";
      const words = wasHeard ? "Your microphone works." : silence;
      if (byId("mic-hint").textContent !== words) byId("mic-hint").textContent = words;
    }, 80);
  }

  async #listDevices() {
    const devices = await microphones();
    const chosen = this.#microphone.deviceId;
    byId("mic-device").replaceChildren(
      ...devices.map((device, index) => element("option", { value: device.deviceId, selected: device.deviceId === chosen }, [device.label || `Microphone ${index + 1}`])),
    );
  }
}

function remembered() {
  try {
    return localStorage.getItem(NAME_KEY) ?? "";
  } catch {
    return "";
  }
}

function remember(name) {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // Storage is switched off: the name is asked again next time.
  }
}
