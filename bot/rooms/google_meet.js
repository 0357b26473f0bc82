// Google Meet's page: tells what comes on its `collections` data channel and in the answers with the list of people.
(() => {
  "use strict";
  const base64 = (bytes) => {
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return btoa(text);
  };
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class RTCPeerConnection extends Peer {
    constructor(...given) {
      super(...given);
      this.addEventListener("datachannel", ({ channel }) => {
        if (channel.label !== "collections") return;
        channel.addEventListener("message", async ({ data }) => {
          const buffer = data instanceof Blob ? await data.arrayBuffer() : data;
          if (buffer instanceof ArrayBuffer) onrecord.tell("collections", base64(new Uint8Array(buffer)));
        });
        channel.addEventListener("close", () => onrecord.tell("channel", "closed"));
        onrecord.tell("channel", "open");
      });
    }
  };
  const ask = window.fetch;
  window.fetch = async (...given) => {
    const asked = performance.now();
    const answer = await ask(...given);
    if (answer.url.endsWith("/google.rtc.meetings.v1.MeetingSpaceService/SyncMeetingSpaceCollections"))
      answer.clone().text().then((text) =>
        onrecord.tell("people", { body: text.trim(), age_ms: performance.now() - asked }), () => {});
    return answer;
  };
})();
