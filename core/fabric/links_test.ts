import { assert, assertEquals } from "@std/assert";
import { type Link, Links } from "./links.ts";

const [LOW, HIGH, OTHER] = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"];

function link(nodeId: string, direction: Link["direction"] = "inbound"): Link & { ended: number } {
  return {
    nodeId,
    direction,
    remote: { host: "fe80::1%bat0", port: 6473 },
    sinceMs: 0,
    roles: [],
    ended: 0,
    close() {
      this.ended++;
    },
  };
}

Deno.test("Links: of two dials that cross the lower node id's counts", () => {
  const low = new Links(LOW, () => 0);
  const high = new Links(HIGH, () => 0);
  const lowDial = low.beginDial(HIGH);
  const highDial = high.beginDial(LOW);
  assert(lowDial !== null && highDial !== null);
  assertEquals(low.admit(HIGH), false);
  assertEquals(high.admit(LOW), true);
  assertEquals(lowDial.aborted, false);
  assertEquals(highDial.aborted, true);
});

Deno.test("Links: a new arrival takes the place of a node's old link", () => {
  const links = new Links(LOW, () => 0);
  const [first, second] = [link(OTHER), link(OTHER)];
  assert(links.admit(OTHER) && links.opened(first));
  links.endAdmission(OTHER);
  assert(links.admit(OTHER));
  assertEquals(first.ended, 1);
  assert(links.opened(second));
  // The first one's end, noticed late, doesn't take the second with it.
  links.closed(first);
  assertEquals(links.open.get(OTHER), second);
});

Deno.test("Links: no more than so many, dials and arrivals together", () => {
  const links = new Links(LOW, () => 0, 2);
  assert(links.admit(HIGH) && links.opened(link(HIGH)));
  links.endAdmission(HIGH);
  assert(links.admit(OTHER));
  assertEquals(links.admit("dddddddddddddddd"), false);
  assertEquals(links.beginDial("dddddddddddddddd"), null);
});

Deno.test("Links: who is shunned is cut off and let in again later", () => {
  let nowMs = 0;
  const links = new Links(LOW, () => nowMs);
  const one = link(OTHER);
  assert(links.opened(one));
  links.shun(OTHER, 1_000);
  assertEquals(one.ended, 1);
  assertEquals([links.admit(OTHER), links.beginDial(OTHER), links.opened(link(OTHER))], [
    false,
    null,
    false,
  ]);
  nowMs = 1_000;
  assertEquals(links.admit(OTHER), true);
});

Deno.test("Links: after stop nothing opens", () => {
  const links = new Links(LOW, () => 0);
  const one = link(HIGH);
  links.opened(one);
  const dial = links.beginDial(OTHER);
  links.stop();
  assertEquals([one.ended, dial?.aborted], [1, true]);
  assertEquals([links.admit(HIGH), links.beginDial(HIGH), links.opened(link(HIGH))], [
    false,
    null,
    false,
  ]);
});

Deno.test("Links: nobody dials itself", () => {
  assertEquals(new Links(LOW, () => 0).beginDial(LOW), null);
});
