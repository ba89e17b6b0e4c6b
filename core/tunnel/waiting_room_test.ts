import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { WaitingRoom } from "./waiting_room.ts";

const BOUNDS = { perPeer: 3, total: 5, peers: 2, holdMs: 100 };
const packet = (mark: number) => Uint8Array.of(mark);

Deno.test("WaitingRoom.hold() keeps to every bound and loses the newest", () => {
  const room = new WaitingRoom(BOUNDS);
  assertEquals([1, 2, 3, 4].map((mark) => room.hold("a", packet(mark), 0)), [
    true,
    true,
    true,
    false,
  ]);
  assert(room.hold("b", packet(5), 0));
  assert(!room.hold("c", packet(6), 0), "a third peer");
  assert(room.hold("b", packet(7), 0));
  assert(!room.hold("b", packet(8), 0), "a sixth packet");
  assertEquals([room.size, room.peers], [5, 2]);
  assertEquals([room.next("a"), room.next("a")], [packet(1), packet(2)]);
  assertEquals(room.drop("b"), [packet(5), packet(7)]);
  assertEquals([room.size, room.has("b"), room.next("b")], [1, false, null]);
});

Deno.test("WaitingRoom.expired() gives what waited too long, and only that", () => {
  const room = new WaitingRoom(BOUNDS);
  room.hold("a", packet(1), 0);
  room.hold("a", packet(2), 50);
  room.hold("b", packet(3), 90);
  assertEquals(room.expired(99), []);
  assertEquals(room.expired(100), [packet(1)]);
  assertEquals(room.expired(200), [packet(2), packet(3)]);
  assertEquals([room.size, room.peers], [0, 0]);
});

Deno.test("WaitingRoom never exceeds its bounds, whatever comes", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("hold"), peer: fc.constantFrom("a", "b", "c", "d") }),
    fc.record({ do: fc.constant("next"), peer: fc.constantFrom("a", "b", "c", "d") }),
    fc.record({ do: fc.constant("drop"), peer: fc.constantFrom("a", "b", "c", "d") }),
    fc.record({ do: fc.constant("expire"), peer: fc.constant("") }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const room = new WaitingRoom(BOUNDS);
    let inside = 0;
    for (const [nowMs, one] of steps.entries()) {
      if (one.do === "hold") inside += Number(room.hold(one.peer, packet(1), nowMs));
      else if (one.do === "next") inside -= Number(room.next(one.peer) !== null);
      else if (one.do === "drop") inside -= room.drop(one.peer).length;
      else inside -= room.expired(nowMs).length;
      assertEquals(room.size, inside);
      assert(room.size <= BOUNDS.total && room.peers <= BOUNDS.peers);
    }
  }));
});
