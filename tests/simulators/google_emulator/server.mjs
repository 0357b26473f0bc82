// Starts the Google emulator on a port of its own choice; the seed comes on stdin, the port goes to stdout.
import { createServer as tcp } from "node:net";
import { text } from "node:stream/consumers";
import { createServer } from "@emulators/core";
import { googlePlugin, seedFromConfig } from "@emulators/google";
import { serve } from "@hono/node-server";

const seed = JSON.parse(await text(process.stdin));
const port = await new Promise((done) => {
  const probe = tcp().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});
const { app, store, baseUrl } = createServer(googlePlugin, { port, baseUrl: `http://127.0.0.1:${port}` });
seedFromConfig(store, baseUrl, seed);
serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, () => console.log(port));
