// Sound in and out of this browser: the microphone, the one peer connection of the room, and how loud each of them is.
// Loudness is measured here, from what this browser plays and records, and is sent nowhere.

const SLOTS = 8;
const GATHERING_MS = 2000;
const FLOOR_DB = -60;
const SPEAKING = 0.28; // of the scale from FLOOR_DB to 0 dB: about -43 dB

let context = null;

/** One audio clock for the page; call again after a click, which is when browsers let it run. */
export function audioContext() {
  context ??= new AudioContext({ latencyHint: "interactive" });
  if (context.state === "suspended") context.resume().catch(() => {});
  return context;
}

class LevelMeter {
  #source;
  #analyser;
  #samples = new Float32Array(1024);

  constructor(stream) {
    this.#analyser = new AnalyserNode(audioContext(), { fftSize: 1024 });
    this.#source = audioContext().createMediaStreamSource(stream);
    this.#source.connect(this.#analyser);
  }

  /** 0 for silence to 1 for full scale, even in decibels. */
  level() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let power = 0;
    for (const sample of this.#samples) power += sample * sample;
    const decibels = 10 * Math.log10(power / this.#samples.length + 1e-12);
    return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB));
  }

  close() {
    this.#source.disconnect();
  }
}

export class MicrophoneProblem extends Error {}

/** Pushes "lost" when the device goes away by itself. */
export class Microphone extends EventTarget {
  #meter = null;
  track = null;

  /** Raises MicrophoneProblem with words for the person. */
  async open(deviceId = "") {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new MicrophoneProblem("This page was not opened over https (or on this computer), so the browser gives it no microphone. You can join and listen.");
    }
    const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    if (deviceId) wanted.deviceId = { exact: deviceId };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    } catch (problem) {
      throw new MicrophoneProblem(inWords(problem));
    }
    this.close();
    const [track] = stream.getAudioTracks();
    this.track = track;
    this.#meter = new LevelMeter(stream);
    track.addEventListener("ended", () => {
      if (track !== this.track) return;
      this.close();
      this.dispatchEvent(new Event("lost"));
    });
  }

  get deviceId() {
    return this.track?.getSettings().deviceId ?? "";
  }

  level() {
    return this.#meter?.level() ?? 0;
  }

  close() {
    this.#meter?.close();
    this.#meter = null;
    this.track?.stop();
    this.track = null;
  }
}

export async function microphones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.filter((device) => device.kind === "audioinput" && device.deviceId);
}

/** True where the person agreed earlier, so that asking again shows no dialogue. */
export async function microphoneIsAllowed() {
  try {
    return (await navigator.permissions.query({ name: "microphone" })).state === "granted";
  } catch {
    return false;
  }
}

function inWords(problem) {
  if (problem.name === "NotAllowedError") return "The browser does not let this page use the microphone. Allow it beside the address bar and check again, or join and listen.";
  if (problem.name === "NotFoundError" || problem.name === "OverconstrainedError") return "No microphone was found. Plug one in and check again, or join and listen.";
  if (problem.name === "NotReadableError") return "Another program is holding the microphone. Close it there and check again, or join and listen.";
  return "The microphone could not be opened. Check it in your system’s settings, or join and listen.";
}

/** One stay's media: m-line 0 sends, 1 to 8 receive; who is on which is told by the room. Pushes "failed", "blocked". */
export class Media extends EventTarget {
  #peer = new RTCPeerConnection({ iceServers: [] });
  #sender;
  #places = [];

  constructor(track) {
    super();
    this.#sender = this.#peer.addTransceiver(track ?? "audio", { direction: "sendonly" });
    for (let slot = 0; slot < SLOTS; slot += 1) this.#places.push(this.#place());
    for (const transceiver of this.#peer.getTransceivers()) onlyOpus(transceiver);
    this.#peer.addEventListener("connectionstatechange", () => {
      if (this.#peer.connectionState === "failed") this.dispatchEvent(new Event("failed"));
    });
  }

  #place() {
    const { receiver } = this.#peer.addTransceiver("audio", { direction: "recvonly" });
    const stream = new MediaStream([receiver.track]);
    const player = new Audio();
    player.srcObject = stream;
    player.play().catch((problem) => problem.name === "NotAllowedError" && this.dispatchEvent(new Event("blocked")));
    return { player, meter: new LevelMeter(stream), seat: null };
  }

  get state() {
    return this.#peer.connectionState;
  }

  /** The whole offer, every candidate in it. */
  async offer() {
    await this.#peer.setLocalDescription(await this.#peer.createOffer());
    await new Promise((resolve) => {
      const look = () => this.#peer.iceGatheringState === "complete" && resolve();
      this.#peer.addEventListener("icegatheringstatechange", look);
      setTimeout(resolve, GATHERING_MS);
      look();
    });
    return this.#peer.localDescription.sdp;
  }

  async accept(sdp) {
    if (this.#peer.signalingState === "have-local-offer") await this.#peer.setRemoteDescription({ type: "answer", sdp });
  }

  async send(track) {
    await this.#sender.sender.replaceTrack(track);
  }

  assign(slot, seat) {
    if (this.#places[slot]) this.#places[slot].seat = seat;
  }

  playAll() {
    audioContext();
    return Promise.all(this.#places.map(({ player }) => player.play()));
  }

  /** How loud each seat is now, for those who are on a slot. */
  levels() {
    return new Map(this.#places.filter(({ seat }) => seat).map(({ seat, meter }) => [seat, meter.level()]));
  }

  close() {
    for (const { player, meter } of this.#places) {
      player.srcObject = null;
      meter.close();
    }
    this.#peer.close();
  }
}

export const isSpeech = (level) => level > SPEAKING;

// No redundant frames of the past in a packet: the room and the bot rely on one packet holding its own 20 ms only.
function onlyOpus(transceiver) {
  const codecs = RTCRtpReceiver.getCapabilities("audio")?.codecs.filter(({ mimeType }) => mimeType.toLowerCase() === "audio/opus");
  if (codecs?.length) transceiver.setCodecPreferences?.(codecs);
}
