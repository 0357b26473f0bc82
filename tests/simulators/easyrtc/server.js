// Open-EasyRTC's server with its own demo pages; prints its port.
const express = require("express");
const http = require("http");
const easyrtc = require("open-easyrtc");
const socketIo = require("socket.io");

const app = express(), server = http.createServer(app);
easyrtc.setOption("logLevel", "none");
easyrtc.setOption("appIceServers", []);
easyrtc.setOption("updateCheckEnable", false);
server.listen(0, "127.0.0.1", () => {
  easyrtc.listen(app, socketIo(server), null, (error) => {
    if (error) process.exit(1);
    console.log(server.address().port);
  });
});
