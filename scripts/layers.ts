// Checks that imports point downward: compares the real import graph with the table below and fails on
// an edge that is not listed. Imports enter a folder only through its mod.ts. Tests, scripts and main.ts
// may import anything; nobody imports main.ts.
import { walkModules } from "./lib/modules.ts";

interface Rule {
  /** Folders that may be imported, through their mod.ts. */
  readonly may: readonly string[];
  /** Why, where it isn't the plain layer order. */
  readonly why?: string;
}

const CORE = ["core/base", "core/ports"] as const;

/** Folder → what it may import. A folder that is not listed fails the check. */
export const LAYERS: Readonly<Record<string, Rule>> = {
  "ffi/sys": { may: [] },
  "ffi/netlink": { may: ["ffi/sys"] },
  "ffi/rtnetlink": { may: ["ffi/sys", "ffi/netlink"] },
  "ffi/genetlink": { may: ["ffi/sys", "ffi/netlink"] },
  "ffi/batadv": { may: ["ffi/sys", "ffi/netlink", "ffi/genetlink"], why: "ffi/sys for AF_PACKET" },
  "ffi/nl80211": { may: ["ffi/sys", "ffi/netlink", "ffi/genetlink"] },
  "ffi/wireguard": { may: ["ffi/sys", "ffi/netlink", "ffi/genetlink"] },
  "ffi/nftables": { may: ["ffi/sys", "ffi/netlink"] },
  "ffi/wpactrl": { may: ["ffi/sys"] },
  "core/base": { may: [] },
  "core/ports": { may: ["core/base"] },
  "core/document": { may: ["core/base"] },
  "core/config": { may: [...CORE, "core/document"], why: "is a document that people write" },
  "core/pq": { may: [...CORE] },
  "core/identity": { may: [...CORE, "core/pq"], why: "identities are keys and signatures" },
  "core/store": {
    may: [
      ...CORE,
      "core/config",
      "core/node",
      "core/identity",
      "core/audit",
      "core/membership",
      "core/policy",
      "core/spiffe",
    ],
    why: "implements the tables that these features declare as ports",
  },
  "core/handshake": {
    may: [...CORE, "core/pq", "core/identity"],
    why: "proves identities with the primitives",
  },
  "core/audit": {
    may: [...CORE, "core/pq", "core/identity"],
    why: "hashes links and has heads signed with a node's keys",
  },
  "core/membership": {
    may: [...CORE, "core/pq", "core/identity", "core/handshake", "core/audit"],
    why: "enrols over the handshake and records what it does",
  },
  "core/policy": {
    may: [...CORE, "core/pq", "core/identity", "core/document"],
    why: "documents that people write and an authority signs, about identities",
  },
  "core/tunnel": {
    may: [...CORE, "core/pq", "core/identity", "core/handshake"],
    why: "tunnels are keyed by handshakes between identities",
  },
  "core/fabric": {
    may: [...CORE, "core/pq", "core/identity", "core/handshake"],
    why: "encrypts its connections with the handshake, admits by credential",
  },
  "core/spiffe": {
    may: [...CORE, "core/pq", "core/identity"],
    why: "certificates and tokens for identities",
  },
  "core/security": {
    may: [
      ...CORE,
      "core/document",
      "core/pq",
      "core/identity",
      "core/handshake",
      "core/membership",
      "core/audit",
      "core/policy",
      "core/tunnel",
      "core/fabric",
      "core/spiffe",
      "core/config",
      "core/node",
    ],
    why: "joins the parts of trust into one service that starts when the node joins a mesh",
  },
  "core/observe": { may: [...CORE, "core/node"], why: "produces the snapshots that node defines" },
  "core/node": {
    may: [...CORE, "core/config", "core/observe", "core/store"],
    why: "joins the features into one service",
  },
  "core/interop": {
    may: [...CORE, "core/node"],
    why: "renders the node's facts in foreign formats",
  },
  "core/cli": { may: [...CORE, "core/node", "core/config"], why: "types of the API's answers" },
  "core/sim": { may: [...CORE] },
  "core/host": {
    may: [
      ...CORE,
      "ffi/sys",
      "ffi/netlink",
      "ffi/genetlink",
      "ffi/rtnetlink",
      "ffi/batadv",
      "ffi/nl80211",
      "ffi/wireguard",
      "ffi/nftables",
      "ffi/wpactrl",
    ],
    why: "the only bridge to the real kernel",
  },
  "core/daemon": {
    may: [
      ...CORE,
      "core/config",
      "core/store",
      "core/observe",
      "core/node",
      "core/interop",
      "core/cli",
      "core/pq",
      "core/identity",
      "core/audit",
      "core/membership",
      "core/handshake",
      "core/policy",
      "core/tunnel",
      "core/fabric",
      "core/spiffe",
      "core/security",
      "core/host",
      "core/sim",
      "web",
    ],
    why: "the wiring that main.ts starts; nobody else imports it",
  },
  "web": {
    may: [
      ...CORE,
      "core/node",
      "core/config",
      "core/interop",
      "core/identity",
      "core/audit",
      "core/membership",
      "core/policy",
      "core/tunnel",
      "core/fabric",
      "core/spiffe",
      "core/security",
    ],
  },
};

/** Files any module may import besides its own folder: none. Kept explicit so that an exception is seen. */
const EXEMPT = /(_test\.tsx?$)|(^tests\/)|(^scripts\/)|(^main\.ts$)/;

function folderOf(path: string): string {
  const parts = path.split("/");
  if (parts[0] === "web") return "web";
  return parts.length >= 3 ? `${parts[0]}/${parts[1]}` : parts[0] ?? path;
}

function problemOf(from: string, to: string): string | null {
  if (to === "main.ts") return `${from} imports main.ts: nobody may`;
  if (EXEMPT.test(from)) return null;
  // The manifest is data: the program's version.
  if (to === "deno.json" && from === "core/daemon/version.ts") return null;
  const source = folderOf(from);
  const target = folderOf(to);
  if (source === target) return null;
  const rule = LAYERS[source];
  if (rule === undefined) return `${from}: folder ${source} is not in scripts/layers.ts`;
  if (!rule.may.includes(target)) return `${from} imports ${to}: ${source} may not use ${target}`;
  // Test doubles build on each other's.
  if (from.endsWith("/testing.ts") && to === `${target}/testing.ts`) return null;
  if (to !== `${target}/mod.ts` && to !== "web/mod.ts") {
    return `${from} imports ${to}: enter ${target} through its mod.ts`;
  }
  return null;
}

if (import.meta.main) {
  const modules = await walkModules();
  const problems = new Set<string>();
  let edges = 0;
  for (const [from, imports] of modules) {
    for (const to of imports) {
      edges++;
      const problem = problemOf(from, to);
      if (problem !== null) problems.add(problem);
    }
  }
  for (const problem of [...problems].sort()) console.error(problem);
  console.log(`layers: ${modules.size} modules, ${edges} imports, ${problems.size} problems`);
  if (problems.size > 0 || edges === 0) Deno.exit(1);
}
