// Microsoft Teams' page: tells who is in its active call, whose the sources in the mix are, what is written and how a
// conversation ended.
(() => {
  "use strict";
  const receivers = new Set();
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class RTCPeerConnection extends Peer {
    constructor(...given) {
      super(...given);
      this.addEventListener("track", ({ track, receiver }) => { if (track.kind === "audio") receivers.add(receiver); });
    }
  };

  const Socket = window.WebSocket;
  window.WebSocket = class WebSocket extends Socket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        if (typeof data === "string" && data.startsWith("3:::") && data.includes("conversationEnd"))
          onrecord.tell("end", data.slice(4));
      });
    }
  };

  let came = 0;
  const hear = ({ clientMessageId, id, from, content, messageType, originalArrivalTime, properties = {} }) => {
    if (!came || Date.parse(originalArrivalTime) < came - 5000) return;  // of before the bot came
    const is = (time) => Boolean(time) && String(time) !== "0";
    onrecord.tell("message", {
      id: String(clientMessageId || id), from: String(from), content: String(content || ""), type: String(messageType),
      edited: is(properties.edittime), deleted: is(properties.deletetime) || String(messageType).endsWith("MessageDelete"),
    });
  };
  const bind = Function.prototype.bind;
  Function.prototype.bind = function (...given) {  // the page binds its handler of what its chat service says
    const bound = Reflect.apply(bind, this, given);
    if (this.name !== "onMessageReceived") return bound;
    return function (...said) {
      const batch = said[0] && said[0].data && said[0].data.chatServiceBatchEvent;
      for (const entry of Array.isArray(batch) ? batch : []) {
        try { hear(entry.message); } catch { /* of a form that is not known */ }
      }
      return Reflect.apply(bound, this, said);
    };
  };

  const activeCall = () => {
    const calling = window.msteamscalling && window.msteamscalling.deref && window.msteamscalling.deref();
    const service = calling && calling.callingService;
    return (service && service.getActiveCall && service.getActiveCall()) || (window.callingDebug && window.callingDebug.observableCall);
  };
  const apart = () => { if (came) onrecord.tell("apart", null); };  // the call is in this frame of the page
  const sounded = new Set();  // sources that were ever in the mix: whose each is, is asked anew each time
  const look = () => {
    const call = activeCall();
    if (!call || !call.callerMri || !call.participants) return apart();
    came = came || Date.now();
    if (sounded.size > 500) sounded.clear();
    for (const receiver of receivers) for (const { source } of receiver.getContributingSources()) sounded.add(source);
    const people = [...call.participants], sources = {};
    for (const source of sounded)
      sources[source] = people.filter((one) => one.hasAudioSource && one.hasAudioSource(source)).map((one) => String(one.id));
    onrecord.tell("here", {
      me: String(call.callerMri),
      call: String(call._callId || ""),
      people: people.map((one) => ({ id: String(one.id), name: String(one.displayName || "") })),
      sources,
    });
  };
  setInterval(() => { try { look(); } catch { apart(); } }, 100);

  window.onrecordTeams = {
    allow: async () => { (await navigator.mediaDevices.getUserMedia({ audio: true, video: true })).getTracks().forEach((track) => track.stop()); return true; },
  };
})();
