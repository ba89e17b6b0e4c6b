import { webcryptoBackend } from "../../core/pq/mod.ts";
import { STRIDE, testFlips } from "./handshake_flip.ts";
import { replayMesh } from "./handshake_replay.ts";

const native = webcryptoBackend(crypto.subtle);

testFlips("mesh, credentials by hash", () => replayMesh(native, true));
// Category 5 and whole credentials differ from the above in lengths alone.
testFlips("mesh, whole credentials", () => replayMesh(native, false), STRIDE * 7);
testFlips("category 5", () => replayMesh(native, true, { suite: "category5" }), STRIDE * 7);
