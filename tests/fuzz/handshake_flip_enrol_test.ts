import { webcryptoBackend } from "../../core/pq/mod.ts";
import { testFlips } from "./handshake_flip.ts";
import { replayEnrol } from "./handshake_replay.ts";

testFlips("enrol", () => replayEnrol(webcryptoBackend(crypto.subtle)));
