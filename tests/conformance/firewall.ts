// What every Firewall port must do, real or simulated. The real one runs it in a network namespace
// (tests/host/firewall_test.ts). How the kernel words a table is not compared: only what is in it.
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Firewall, KernelFault, type KernelFaultCode } from "../../core/ports/mod.ts";

/** A node without any table. */
export interface FirewallFixture extends AsyncDisposable {
  readonly firewall: Firewall;
}

const TABLE = `table inet suite {
  set hosts {
    type ipv4_addr
    flags timeout
  }
  map hops {
    type ether_addr : ether_addr
  }
  chain first {
  }
}
`;

const HOSTS = { family: "inet", table: "suite", set: "hosts" } as const;
const HOPS = { family: "inet", table: "suite", set: "hops" } as const;
const octets = (...values: number[]) => Uint8Array.from(values);

async function rejectsWith(code: KernelFaultCode, action: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(action, KernelFault);
  assertEquals(error.code, code, error.message);
}

type Check = (firewall: Firewall) => Promise<void>;

const CHECKS: Readonly<Record<string, Check>> = {
  "available() says that it works": async (firewall) => {
    const { ok, detail } = await firewall.available();
    assert(ok, detail);
  },

  "table() of none is null": async (firewall) => {
    assertEquals(await firewall.table("inet", "suite"), null);
  },

  "apply() makes a table, deleteTable() removes it": async (firewall) => {
    await firewall.apply(TABLE);
    assertStringIncludes(await firewall.table("inet", "suite") ?? "", "chain first");
    assertEquals(await firewall.table("ip", "suite"), null);
    await firewall.deleteTable("inet", "suite");
    assertEquals(await firewall.table("inet", "suite"), null);
    await rejectsWith("not-found", () => firewall.deleteTable("inet", "suite"));
  },

  "apply() replaces a table in one transaction": async (firewall) => {
    await firewall.apply(TABLE);
    await firewall.apply(
      "table inet suite\ndelete table inet suite\ntable inet suite {\n  chain second {\n  }\n}\n",
    );
    const text = await firewall.table("inet", "suite") ?? "";
    assertStringIncludes(text, "chain second");
    assert(!text.includes("chain first"), text);
  },

  "apply() does all or nothing": async (firewall) => {
    await rejectsWith("not-found", () => firewall.apply(`${TABLE}delete table inet none\n`));
    assertEquals(await firewall.table("inet", "suite"), null);
    await rejectsWith("invalid", () => firewall.apply(`${TABLE}table inet {\n`));
    assertEquals(await firewall.table("inet", "suite"), null);
  },

  "apply() with check changes nothing": async (firewall) => {
    await firewall.apply(TABLE, { check: true });
    assertEquals(await firewall.table("inet", "suite"), null);
    await rejectsWith("invalid", () => firewall.apply("tabel inet x\n", { check: true }));
  },

  "addElements() and removeElements() change a set and a map": async (firewall) => {
    await firewall.apply(TABLE);
    await firewall.addElements(HOSTS, [
      { key: octets(10, 0, 0, 1), timeoutMs: 600_000 },
      { key: octets(10, 0, 0, 2) },
    ]);
    await firewall.addElements(HOPS, [
      { key: octets(2, 0, 0, 0, 0, 1), value: octets(2, 0, 0, 0, 0, 2) },
    ]);
    await firewall.addElements(HOSTS, []);
    await firewall.removeElements(HOSTS, [octets(10, 0, 0, 1)]);
    await firewall.removeElements(HOPS, [octets(2, 0, 0, 0, 0, 1)]);
    await rejectsWith("not-found", () => firewall.removeElements(HOSTS, [octets(10, 0, 0, 9)]));
    await rejectsWith(
      "not-found",
      () => firewall.addElements({ ...HOSTS, set: "none" }, [{ key: octets(1, 2, 3, 4) }]),
    );
    await rejectsWith(
      "not-found",
      () => firewall.addElements({ ...HOSTS, table: "none" }, [{ key: octets(1, 2, 3, 4) }]),
    );
  },

  "removeElements() removes all or none": async (firewall) => {
    await firewall.apply(TABLE);
    await firewall.addElements(HOSTS, [{ key: octets(10, 0, 0, 1) }]);
    await rejectsWith(
      "not-found",
      () => firewall.removeElements(HOSTS, [octets(10, 0, 0, 1), octets(10, 0, 0, 9)]),
    );
    await firewall.removeElements(HOSTS, [octets(10, 0, 0, 1)]);
  },
};

/** Registers the suite. */
export function testFirewall(name: string, open: () => Promise<FirewallFixture>): void {
  for (const [title, check] of Object.entries(CHECKS)) {
    Deno.test(`${name}: ${title}`, async () => {
      await using fixture = await open();
      await check(fixture.firewall);
    });
  }
}
