// Jitsi Meet's page: through the app's own objects it tells who is here, whose each track is and what is written, and
// marks on the page's root where the app is. `onrecordJitsi` holds what the page script asks of it.
(() => {
  "use strict";
  if (window.top !== window) return;
  const ENDS = {
    "conference.destroyed": "ended",
    "conference.connectionError.accessDenied": "denied",
    "conference.connectionError.notAllowed": "sign-in",
    "conference.max_users": "full",
  };
  const ASKS = ["conference.passwordRequired", "conference.connectionError.membersOnly", "conference.authenticationRequired",
    "conference.display_name_required"];  // not an end: the page asks for something
  let room, number = 0, end = "", wanted = [];

  const features = () => (window.APP && APP.store && APP.store.getState()) || {};
  const voices = (one) => one.getTracks().filter((track) => track.getType() === "audio" && /-a0$|^$/.test(name(track)));
  const name = (track) => (track.getSourceName && track.getSourceName()) || "";
  const people = () => room.getParticipants().map((one) => ({
    id: one.getId(),
    name: one.getDisplayName() || "",
    bot: Boolean((one.isHidden && one.isHidden()) || (one.getBotType && one.getBotType())),
    phone: Boolean(one.getProperty && one.getProperty("features_jigasi")),
    tracks: voices(one).map((track) => ({ id: track.getTrack().id, ssrc: track.getSsrc() })),
  }));
  const isEncrypted = () => Boolean(room.isE2EEEnabled && room.isE2EEEnabled()) ||
    room.getParticipants().some((one) => one.getProperty && String(one.getProperty("e2ee.enabled")) === "true");
  const isHere = () => Boolean(room && room.isJoined() && !(room.isConnectionInterrupted && room.isConnectionInterrupted()));

  const where = () => {
    const base = features()["features/base/conference"] || {}, lobby = features()["features/lobby"] || {};
    const broken = base.error || (features()["features/base/connection"] || {}).error;
    if (end) return end;
    if (room && room.isJoined()) return isEncrypted() ? "encrypted" : "in-call";
    if (lobby.knocking) return "lobby";
    if (base.passwordRequired) return "password";
    if (base.authRequired) return "host-awaited";
    if (broken && !ASKS.includes(broken.name)) return ENDS[broken.name] || "";
    return "";
  };
  // What breaks here must neither break the app nor leave an old list standing.
  const safely = (act) => (...given) => { try { return act(...given); } catch { onrecord.tell("apart", number); } };
  const tell = safely(() => {
    document.documentElement.dataset.onrecord = where();
    if (isHere()) onrecord.tell("here", { room: number, me: room.myUserId(), people: people() });
    else onrecord.tell("apart", number);
  });

  // The bridge is asked for the wanted voices alone; a bridge that does not know this sends all, and the tap leaves them.
  const subscribe = safely(() => {
    if (!room || !room.setAudioSubscriptionMode) return;
    const list = room.getParticipants().filter((one) => wanted.includes(one.getId()))
      .flatMap((one) => voices(one).map((track) => name(track) || `${one.getId()}-a0`));
    room.setAudioSubscriptionMode(list.length ? { mode: "Include", list } : { mode: "None", list: [] });
  });
  const subscribeAnew = () => {  // what was said before the channel to the bridge was open may not have been sent
    if (room.setAudioSubscriptionMode) room.setAudioSubscriptionMode({ mode: "Include", list: ["nobody-a0"] });
    subscribe();
  };

  const written = (isPrivate) => (from, text, at, ...more) => {
    if (at && Date.now() - new Date(at) > 5000) return;  // of before the bot came
    const [id, replyTo] = isPrivate ? [more[0], more[3]] : [more[2], more[4]];
    onrecord.tell("message", { id: String(id || `${from} ${performance.now()}`), from, text, private: isPrivate, reply_to: replyTo || "" });
  };
  const follow = (found) => {
    room = found;
    number += 1;
    end = "";
    const on = (event, act) => found.on(`conference.${event}`, safely((...given) => { if (room === found) act(...given); }));
    for (const event of ["userJoined", "userLeft", "displayNameChanged", "bot_type_changed", "participant_property_changed",
      "connectionInterrupted", "connectionRestored", "left"]) on(event, tell);
    for (const event of ["trackAdded", "trackRemoved"]) on(event, () => { tell(); subscribe(); });
    on("joined", () => { tell(); subscribe(); });
    on("dataChannelOpened", subscribeAnew);
    on("messageReceived", written(false));
    on("privateMessageReceived", written(true));
    on("messageRetracted", (from, id) => onrecord.tell("deleted", { id: String(id), from }));
    on("kicked", () => { end = "removed"; tell(); });
    on("failed", (error) => { if (!ASKS.includes(error)) { end = ENDS[error] || "failed"; tell(); } });
  };
  setInterval(safely(() => {
    const base = features()["features/base/conference"] || {};
    const found = base.conference || (window.APP && APP.conference && APP.conference._room) || base.joining;
    if (found && found !== room) follow(found);
    tell();
  }), 200);

  const microphone = async (muted) => {
    APP.conference.muteAudio(muted);
    for (let turn = 0; turn < 20 && APP.conference.isLocalAudioMuted() !== muted; turn += 1)
      await new Promise((done) => setTimeout(done, 100));
    return true;
  };
  window.onrecordJitsi = {
    hear: (ids) => { wanted = ids; subscribe(); },
    write: (text) => room.sendTextMessage(text),
    whisper: ({ seat, text }) => {
      if (!room.getParticipantById(seat)) return "";
      const id = crypto.randomUUID();
      room.sendPrivateTextMessage(seat, text, "body", false, undefined, id);
      onrecord.tell("message", { id, from: room.myUserId(), text, private: true, reply_to: "" });
      return id;
    },
    unmute: () => microphone(false),
    mute: () => microphone(true),
    leave: () => { APP.conference.hangup ? APP.conference.hangup(false) : room.leave(); return true; },
  };
})();
