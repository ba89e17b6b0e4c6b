// The Firewall port over libnftables (rulesets) and netlink (set elements), in a network namespace.
import { messageOf } from "../base/mod.ts";
import { type Firewall, KernelFault } from "../ports/mod.ts";
import { NftablesMissingError, NftElements, NftError, runNft } from "../../ffi/nftables/mod.ts";
import { ERRNO } from "../../ffi/sys/mod.ts";
import { faultCode, faulting } from "./errors.ts";

/** The port, with its sockets. */
export interface HostFirewall extends Firewall {
  close(): void;
}

/** Where the ruleset is. */
export interface HostFirewallOptions {
  /** A network namespace under /run/netns; the process' own when absent. */
  readonly netns?: string;
}

/** nft's errors in the words of the port; what the text has wrong is "invalid". */
function explained<T>(action: () => T | Promise<T>): Promise<T> {
  return faulting(async () => {
    try {
      return await action();
    } catch (thrown) {
      if (thrown instanceof NftablesMissingError) {
        throw new KernelFault("not-supported", thrown.message, { cause: thrown });
      }
      if (thrown instanceof NftError) {
        const code = thrown.errno === null ? "invalid" : faultCode(thrown.errno);
        throw new KernelFault(code, thrown.message, { cause: thrown });
      }
      if (thrown instanceof RangeError || thrown instanceof TypeError) {
        throw new KernelFault("invalid", thrown.message, { cause: thrown });
      }
      throw thrown;
    }
  });
}

const FAMILIES: ReadonlySet<string> = new Set(["inet", "ip", "ip6", "netdev", "bridge", "arp"]);

/** "inet x0tta6bl4", refusing whatever nft would read as more than two words. */
function tableName(family: string, name: string): string {
  if (!FAMILIES.has(family) || !/^[a-zA-Z_][\w./-]{0,200}$/.test(name)) {
    throw new KernelFault("invalid", `Cannot name a table ${JSON.stringify(`${family} ${name}`)}`);
  }
  return `${family} ${name}`;
}

/** Opens nothing until the first use. */
export function hostFirewall(options: HostFirewallOptions = {}): HostFirewall {
  const place = options.netns === undefined ? {} : { netns: options.netns };
  let elements: NftElements | null = null;
  const open = (): NftElements => elements ??= NftElements.open(place);
  return {
    available() {
      try {
        runNft("list tables", "list tables", place);
        return Promise.resolve({ ok: true, detail: "libnftables.so.1 and nf_tables work" });
      } catch (thrown) {
        return Promise.resolve({ ok: false, detail: messageOf(thrown) });
      }
    },
    async apply(ruleset, applyOptions = {}) {
      const check = applyOptions.check === true;
      const op = check ? "check the ruleset" : "apply the ruleset";
      await explained(() => runNft(op, ruleset, { ...place, check }));
    },
    table(family, name) {
      return explained(() => {
        const table = tableName(family, name);
        try {
          return runNft(`list table "${name}"`, `list table ${table}`, place);
        } catch (thrown) {
          if (thrown instanceof NftError && thrown.errno === ERRNO.ENOENT) return null;
          throw thrown;
        }
      });
    },
    async deleteTable(family, name) {
      await explained(() =>
        runNft(`delete table "${name}"`, `delete table ${tableName(family, name)}`, place)
      );
    },
    async addElements(set, added) {
      await explained(() => open().add(set, added));
    },
    async removeElements(set, keys) {
      await explained(() => open().remove(set, keys));
    },
    close() {
      elements?.close();
      elements = null;
    },
  };
}
