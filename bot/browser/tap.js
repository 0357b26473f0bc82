// Runs before any script of a meeting's page, with CONFIG = {url} in scope (see tap.py for the wire).
// Hands on each encoded audio frame unchanged, and copies to the bot those alone that it asked for. Speaks, and draws a tile.
(() => {
  "use strict";
  if (window.onrecord) return;

  const WORKER = `
    const pumps = new Map();  // number of a line -> its epoch
    let wanted = new Set();
    const told = new Map();  // name of a source that is not wanted -> when it was told last
    let socket, open = false;
    const waiting = [];
    const send = (message) => { if (open) socket.send(message); else if (waiting.length < 1000) waiting.push(message); };
    const bytes = (key, meta, data) => {
      const csrcs = meta.contributingSources || [];
      const view = new DataView(new ArrayBuffer(21 + 4 * csrcs.length + data.byteLength));
      view.setUint32(0, key.number); view.setUint32(4, key.epoch); view.setUint32(8, meta.synchronizationSource || 0);
      view.setUint16(12, meta.sequenceNumber || 0); view.setUint32(14, meta.rtpTimestamp || 0);
      view.setUint8(18, meta.mimeType === "audio/opus" ? 0 : meta.mimeType === "audio/red" ? 1 : 2);
      view.setUint8(19, csrcs.length); view.setUint8(20, 0);
      csrcs.forEach((csrc, index) => view.setUint32(21 + 4 * index, csrc));
      new Uint8Array(view.buffer).set(new Uint8Array(data), 21 + 4 * csrcs.length);
      return view.buffer;
    };
    const pump = async (number, readable, writable) => {
      const reader = readable.getReader(), writer = writable.getWriter();
      for (;;) {
        const { value: frame, done } = await reader.read();
        if (done) break;
        const meta = frame.getMetadata(), csrcs = meta.contributingSources || [];
        const key = { number, epoch: pumps.get(number) || 0, ssrc: meta.synchronizationSource || 0, csrcs };
        const name = [number, key.epoch, key.ssrc, ...csrcs].join(" ");
        if (wanted.has(name)) send(bytes(key, meta, frame.data));
        else if (!(performance.now() - told.get(name) < 2000)) {  // again, in case it was forgotten there
          if (told.size > 2000) told.clear();
          told.set(name, performance.now());
          send(JSON.stringify({ t: "source", name, ...key }));
        }
        writer.write(frame).catch(() => {});
      }
    };
    onmessage = ({ data }) => {
      if (data.url) {
        socket = new WebSocket(data.url);
        socket.binaryType = "arraybuffer";
        socket.onopen = () => { open = true; waiting.splice(0).forEach((message) => socket.send(message)); };
        socket.onmessage = ({ data }) => { wanted = new Set(JSON.parse(data).wanted); };
        socket.onclose = () => { open = false; wanted = new Set(); };
      } else if (data.pump !== undefined) pump(data.pump, data.readable, data.writable).catch(() => {});
      else if (data.epoch !== undefined) { pumps.set(data.number, data.epoch); send(data.said); }
      else send(data.said);
    };
    setInterval(() => { if (open && socket.bufferedAmount > 2000000) wanted = new Set(); }, 200);
  `;
  const worker = new Worker(URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" })));
  worker.postMessage({ url: CONFIG.url });
  const now = () => ({ at: performance.now() });
  const say = (message) => worker.postMessage({ said: JSON.stringify(message) });

  // ---- hearing ---------------------------------------------------------------------------------------------------

  const lines = new Map();  // track object -> {number, epoch, ...}
  let count = 0;
  const begin = (line, why) => {
    line.epoch += 1;
    const { number, epoch, track_id, stream_ids, mid } = line;
    const said = JSON.stringify({ t: "line", number, epoch, track_id, stream_ids, mid, why });
    worker.postMessage({ number, epoch, said });
  };
  const straight = (streams) => { streams.readable.pipeTo(streams.writable).catch(() => {}); };
  const heard = ({ track, receiver, streams, transceiver }) => {
    if (track.kind !== "audio") return;
    const seen = lines.get(track);
    const line = seen || { number: (count += 1), epoch: 0, track };
    line.track_id = track.id;
    line.stream_ids = streams.map((stream) => stream.id);
    line.mid = (transceiver && transceiver.mid) || "";
    if (!seen) {
      lines.set(track, line);
      try {
        const { readable, writable } = receiver.createEncodedStreams();
        worker.postMessage({ pump: line.number, readable, writable }, [readable, writable]);
      } catch (error) {
        say({ t: "untapped", number: line.number, why: String(error) });
      }
      for (const kind of ["mute", "unmute", "ended"]) track.addEventListener(kind, () => begin(line, kind));
    }
    for (const stream of streams)
      stream.addEventListener("removetrack", (event) => { if (event.track === track) begin(line, "removed"); });
    begin(line, seen ? "again" : "track");
  };

  const Native = window.RTCPeerConnection;
  const unsent = new WeakSet();
  class RTCPeerConnection extends Native {
    constructor(options, ...rest) {
      super({ ...(options || {}), encodedInsertableStreams: true }, ...rest);
      this.addEventListener("track", heard);
      this.addEventListener("track", ({ track, receiver }) => {
        if (track.kind === "video" && !unsent.has(receiver)) { unsent.add(receiver); straight(receiver.createEncodedStreams()); }
      });
    }
    setRemoteDescription(...given) {
      const receivers = new Set(this.getReceivers().map((receiver) => receiver.track));
      for (const [track, line] of lines) if (receivers.has(track)) begin(line, "renegotiated");
      return super.setRemoteDescription(...given).finally(() => this.pass());
    }
    setLocalDescription(...given) { return super.setLocalDescription(...given).finally(() => this.pass()); }
    pass() {  // what we send goes out unchanged: with encoded streams it waits for somebody to hand it on
      for (const sender of this.getSenders())
        if (sender.track && !unsent.has(sender)) {
          unsent.add(sender);
          try { straight(sender.createEncodedStreams()); } catch { /* handed on by itself */ }
        }
    }
  }
  window.RTCPeerConnection = RTCPeerConnection;
  if (window.webkitRTCPeerConnection) window.webkitRTCPeerConnection = RTCPeerConnection;

  // ---- speaking and showing --------------------------------------------------------------------------------------

  let context, voice;
  const mouth = () => {
    if (!context) {
      context = new AudioContext({ sampleRate: 48000 });
      voice = context.createMediaStreamDestination();
      const silence = context.createConstantSource();
      silence.offset.value = 0;
      silence.connect(voice);
      silence.start();
    }
    return voice;
  };
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 360;
  let tile = { state: "not_recording", text: "", invited_by: "", qr: [] };
  const draw = () => {
    const pen = canvas.getContext("2d");
    pen.fillStyle = tile.state === "recording" ? "#7a1020" : tile.state === "paused" ? "#5b4a12" : "#17324a";
    pen.fillRect(0, 0, 640, 360);
    pen.fillStyle = "#fff";
    pen.textBaseline = "top";
    pen.font = "bold 34px sans-serif";
    const words = tile.text.split(/\s+/);
    let line = "", y = 40;
    for (const word of words) {
      if (line && pen.measureText(`${line} ${word}`).width > 370) { pen.fillText(line, 28, y); y += 44; line = word; }
      else line = line ? `${line} ${word}` : word;
    }
    pen.fillText(line, 28, y);
    pen.font = "22px sans-serif";
    if (tile.invited_by) pen.fillText(`invited by ${tile.invited_by}`.slice(0, 34), 28, 300);
    const size = tile.qr.length;
    if (size) {
      const cell = Math.floor(190 / (size + 8)), side = cell * (size + 8), left = 612 - side, top = 180 - side / 2;
      pen.fillRect(left, top, side, side);
      pen.fillStyle = "#000";
      tile.qr.forEach((row, y) => [...row].forEach((dark, x) => {
        if (dark === "1") pen.fillRect(left + (x + 4) * cell, top + (y + 4) * cell, cell, cell);
      }));
    }
  };
  setInterval(draw, 500);
  draw();

  const devices = navigator.mediaDevices;
  if (devices) {
    devices.getUserMedia = async (wanted) => {
      const tracks = [];
      if (wanted && wanted.audio) { mouth(); await context.resume(); tracks.push(voice.stream.getAudioTracks()[0].clone()); }
      if (wanted && wanted.video) tracks.push(canvas.captureStream(2).getVideoTracks()[0]);
      return new MediaStream(tracks);
    };
  }

  window.onrecord = {
    tell: (kind, value) => say({ t: "signal", kind, value, ...now() }),
    show: (shown) => { tile = shown; draw(); },
    picture: () => canvas.toDataURL("image/png"),
    speak: async (base64) => {
      mouth();
      await context.resume();
      const pcm = new Int16Array(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
      const sound = context.createBuffer(1, pcm.length, 48000);
      sound.getChannelData(0).set(Float32Array.from(pcm, (sample) => sample / 32768));
      const source = context.createBufferSource();
      source.buffer = sound;
      source.connect(voice);
      await new Promise((done) => { source.onended = done; source.start(); });
    },
  };
  if (window.top === window) setInterval(() => say({ t: "beat", ...now() }), 50);
})();
