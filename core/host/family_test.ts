import { assertEquals, assertRejects } from "@std/assert";
import { SyscallError } from "../../ffi/sys/mod.ts";
import { KernelError } from "../../ffi/netlink/mod.ts";
import { FamilyClient } from "./family.ts";

class Fake {
  closed = false;
  close(): void {
    this.closed = true;
  }
}

function opener(): { opened: Fake[]; open: () => Promise<Fake> } {
  const opened: Fake[] = [];
  return {
    opened,
    open() {
      const fake = new Fake();
      opened.push(fake);
      return Promise.resolve(fake);
    },
  };
}

const refusal = (errno: number) => new KernelError("op", errno, `E${errno}`, {}, 1);

Deno.test("FamilyClient.use() opens once and shares", async () => {
  const { opened, open } = opener();
  const family = new FamilyClient(open);
  const [a, b] = await Promise.all([
    family.use((client) => Promise.resolve(client)),
    family.use((client) => Promise.resolve(client)),
  ]);
  assertEquals([a === b, opened.length], [true, 1]);
  await family.close();
  assertEquals(opened[0]?.closed, true);
  await assertRejects(() => family.use(() => Promise.resolve()), SyscallError);
});

Deno.test("FamilyClient.use() opens anew after ENOENT, and closes the old one with its last user", async () => {
  const { opened, open } = opener();
  const family = new FamilyClient(open);
  let release = () => {};
  const slow = family.use(() => new Promise<void>((resolve) => release = resolve));
  await assertRejects(() => family.use(() => Promise.reject(refusal(2))), KernelError);
  assertEquals(opened[0]?.closed, false, "still in use");
  release();
  await slow;
  assertEquals(opened[0]?.closed, true);
  await family.use(() => Promise.resolve());
  // The second was for trying once more; it was refused as well.
  assertEquals([opened.length, opened[1]?.closed, opened[2]?.closed], [3, true, false]);
  await family.close();
});

Deno.test("FamilyClient.use() succeeds with a new client when the module was loaded again", async () => {
  const { opened, open } = opener();
  const family = new FamilyClient(open);
  await family.use(() => Promise.resolve());
  const second = await family.use((client) =>
    client === opened[0] ? Promise.reject(refusal(2)) : Promise.resolve(client)
  );
  assertEquals([second === opened[1], opened[0]?.closed], [true, true]);
  await family.close();
});

Deno.test("FamilyClient.use() does not try a client again that was opened for the call", async () => {
  const { opened, open } = opener();
  const family = new FamilyClient(open);
  await assertRejects(() => family.use(() => Promise.reject(refusal(2))), KernelError);
  assertEquals(opened.length, 1);
  await family.close();
});

Deno.test("FamilyClient.use() keeps the client after another refusal", async () => {
  const { opened, open } = opener();
  const family = new FamilyClient(open);
  await assertRejects(() => family.use(() => Promise.reject(refusal(22))), KernelError);
  await family.use(() => Promise.resolve());
  assertEquals([opened.length, opened[0]?.closed], [1, false]);
  await family.close();
});

Deno.test("FamilyClient.use() tries again when it could not open", async () => {
  let attempts = 0;
  const family = new FamilyClient<Fake>(() => {
    attempts++;
    return attempts === 1 ? Promise.reject(new Error("no module")) : Promise.resolve(new Fake());
  });
  await assertRejects(() => family.use(() => Promise.resolve()), Error, "no module");
  await family.use(() => Promise.resolve());
  assertEquals(attempts, 2);
  await family.close();
});
