// Plays the kept voices of a meeting together, each at its own place on the meeting's clock.
"use strict";
const player = document.querySelector("[data-player]");
if (player) {
  const length = Number(player.dataset.length);
  const voices = [...player.querySelectorAll("[data-voice]")].map((audio) => ({ audio, from: Number(audio.dataset.from), seat: audio.dataset.voice }));
  const play = player.querySelector("[data-play]"), sign = player.querySelector("[data-play-sign]");
  const seek = player.querySelector("[data-seek]"), shown = player.querySelector("[data-now]"), rate = player.querySelector("[data-rate]");
  const lines = [...document.querySelectorAll(".words li")];
  let playing = false, position = 0, since = 0, speed = 1;

  for (const row of player.querySelectorAll("[data-mute-row]")) row.hidden = voices.length < 2;
  player.querySelector("[data-controls]").hidden = false;
  for (const voice of voices) { voice.audio.controls = false; voice.audio.hidden = true; voice.audio.preload = "auto"; }

  const now = () => (playing ? Math.min(length, position + (performance.now() - since) * speed) : position);
  const clock = (ms) => {
    const s = Math.floor(ms / 1000), h = Math.floor(s / 3600), m = Math.floor((s % 3600) / 60), two = (n) => String(n).padStart(2, "0");
    return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
  };
  const align = (force) => {
    const at = now();
    for (const { audio, from } of voices) {
      const inside = (at - from) / 1000, end = Number.isFinite(audio.duration) ? audio.duration : Infinity;
      if (playing && inside >= 0 && inside < end) {
        if (force || Math.abs(audio.currentTime - inside) > 0.25) audio.currentTime = inside;
        audio.playbackRate = speed;
        if (audio.paused) audio.play().catch(() => {});
      } else if (!audio.paused) audio.pause();
    }
  };
  const show = () => {
    const at = now();
    shown.textContent = clock(at);
    if (document.activeElement !== seek || playing) seek.value = String(at);
    seek.setAttribute("aria-valuetext", clock(at));
    for (const head of player.querySelectorAll("[data-head]")) {
      head.removeAttribute("hidden");
      const x = `${(at / length) * 100}%`;
      head.setAttribute("x1", x); head.setAttribute("x2", x);
    }
    let current = null;
    for (const line of lines) if (Number(line.dataset.at) <= at) current = line;
    for (const line of lines) line.classList.toggle("now", line === current && at > 0);
  };
  const set = (on) => {
    position = now(); since = performance.now(); playing = on;
    if (on && position >= length - 50) position = 0;
    sign.setAttribute("d", on ? "M5 3h4v14H5zM11 3h4v14h-4z" : "M5 3.5v13l11-6.5z");
    play.setAttribute("aria-label", on ? "Pause" : "Play");
    align(true);
  };
  const go = (ms) => { position = Math.max(0, Math.min(length, ms)); since = performance.now(); align(true); show(); };

  play.addEventListener("click", () => set(!playing));
  seek.addEventListener("input", () => go(Number(seek.value)));
  rate.addEventListener("change", () => { position = now(); since = performance.now(); speed = Number(rate.value); align(true); });
  for (const box of player.querySelectorAll("[data-mute]")) box.addEventListener("change", () => { for (const voice of voices) if (voice.seat === box.dataset.mute) voice.audio.muted = !box.checked; });
  for (const lane of player.querySelectorAll("[data-lane]")) lane.addEventListener("click", (event) => { const box = lane.getBoundingClientRect(); go(((event.clientX - box.left) / box.width) * length); });
  for (const link of document.querySelectorAll("[data-seek-to]")) link.addEventListener("click", (event) => { event.preventDefault(); go(Number(link.dataset.seekTo)); if (!playing) set(true); });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, button, a")) return;
    if (event.key === " ") { event.preventDefault(); set(!playing); }
    if (event.key === "ArrowLeft") go(now() - 5000);
    if (event.key === "ArrowRight") go(now() + 5000);
  });
  setInterval(() => { if (playing) { if (now() >= length) { position = length; set(false); position = length; } align(false); show(); } }, 100);
  show();
}
