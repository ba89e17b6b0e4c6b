// What the runtime of a member is made of that needs none of its state.
import type { FabricMemory } from "../fabric/mod.ts";
import { acceptedSets } from "../identity/mod.ts";
import { type Membership, trustedNowMs } from "../membership/mod.ts";
import { PolicyStore } from "../policy/mod.ts";
import { parseEndpoint } from "./addresses.ts";
import type { SecurityPorts } from "./ports.ts";

/** Ports that nodes reach in the clear beside handshakes and fabric: DNS, DHCP, page, maps. */
export function openPorts(
  { api, respondd, firewall }: Pick<
    ReturnType<SecurityPorts["config"]>,
    "api" | "respondd" | "firewall"
  >,
): { readonly tcp: readonly number[]; readonly udp: readonly number[] } {
  const pages = api.listen.flatMap((text) => parseEndpoint(text)?.port ?? []);
  const ssh = firewall.sshFrom.includes("lan") ? [22] : [];
  return {
    tcp: [53, ...pages, ...ssh],
    udp: [53, 67, 68, 546, 547, ...(respondd.enabled ? [respondd.port] : [])],
  };
}

/** The policy in force, from its file. */
export async function openPolicy(
  { files, backend, tables, directory, clock }: SecurityPorts,
  membership: Membership,
  changed: () => void,
): Promise<PolicyStore> {
  const { member } = membership;
  if (member === null) throw new Error("Cannot start: this node is in no mesh");
  const { state } = member;
  return await PolicyStore.open({
    files,
    backend,
    versions: tables.policyVersions,
    path: `${directory}/policy.signed`,
    trustDomain: state.trustDomain,
    mesh: state.meshHash.toHex(),
    sets: () => acceptedSets(state.chain, trustedNowMs(clock)),
    allSets: () => [state.chain.first, ...state.chain.rotations.map(({ next }) => next)],
    unsigned: "starting",
    changed,
  });
}

/** What the fabric must remember over a restart, in a file. */
export function fabricMemory({ files, directory }: SecurityPorts): FabricMemory {
  const path = `${directory}/fabric.memory`;
  return {
    load: async () => await files.stat(path) === null ? null : await files.read(path),
    save: (octets) => files.writeAtomic(path, octets, 0o600),
  };
}
