// One fabric in a process of its own, for its memory: prints readings as JSON lines, then ends.
import { webcryptoBackend } from "../../core/pq/mod.ts";
import { startMember, testMember } from "../../core/fabric/testing.ts";
import { FABRIC_TIMING } from "../../core/fabric/mod.ts";
import { hostClock, hostNetwork } from "../../core/host/mod.ts";

const say = (what: string) => console.log(JSON.stringify({ what, rss: Deno.memoryUsage().rss }));
const clock = hostClock();
const backend = webcryptoBackend(crypto.subtle);

const member = await testMember(backend, clock, hostNetwork(), 200);
const collect = (globalThis as { gc?: () => void }).gc ?? (() => {});
collect();
say("before");
const fabric = await startMember(member, { timing: FABRIC_TIMING, wantedConnections: 8 });
collect();
say("started");
for (const pair of Deno.args) {
  const [nodeId = "", port = ""] = pair.split(":");
  fabric.introduce(nodeId, { host: "127.0.0.1", port: Number(port) });
}
while (fabric.peers().length < Deno.args.length) await clock.sleep(100);
await clock.sleep(20_000);
collect();
say("connected");
await fabric.stop();
// libp2p leaves a channel between workers open, which would keep the process.
Deno.exit(0);
