// Run by disk_test.ts in a mount namespace of its own: a store on a small file system that fills up, has
// room again, turns read-only and back. Prints what the store says of itself at each step as JSON.
import { hostClock, hostFiles } from "../../core/host/mod.ts";
import { Store } from "../../core/store/mod.ts";

const [directory = ""] = Deno.args;

async function mount(...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("mount", { args: [...args] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function open(): Promise<Store> {
  return await Store.open({
    path: `${directory}/node.db`,
    clock: hostClock(),
    files: hostFiles(),
    bootId: "test",
  });
}

function add(store: Store, count: number): void {
  for (let n = 0; n < count; n++) {
    store.events.add([{
      severity: "info",
      type: "test",
      subject: "",
      message: `${n} ${"x".repeat(500)}`,
    }]);
  }
}

const told: Record<string, unknown>[] = [];

async function tell(step: string, store: Store): Promise<void> {
  await store.maintain();
  const states = Object.fromEntries(store.checks().map(({ name, state }) => [name, state]));
  const events = store.events.query({ limit: 1_000 }).length;
  told.push({ step, ...states, events, waiting: store.events.unwritten });
}

await mount("-t", "tmpfs", "-o", "size=4m", "small", directory);
let store = await open();
add(store, 100);
await tell("new", store);
const fill = await Deno.open(`${directory}/fill`, { write: true, create: true });
try {
  for (;;) await fill.write(new Uint8Array(4096));
} catch {
  fill.close();
}
add(store, 400);
await tell("full", store);
await Deno.remove(`${directory}/fill`);
await tell("room", store);
await store.close();

await mount("-o", "remount,ro", directory);
store = await open();
add(store, 10);
await tell("read-only", store);
await mount("-o", "remount,rw", directory);
await tell("writable", store);
await store.close();

store = await open();
await tell("reopened", store);
await store.close();
console.log(JSON.stringify(told));
