import { assert } from "@std/assert";
import { SeenM1 } from "./seen.ts";

Deno.test("SeenM1 remembers a bounded number, the newest of them for certain", () => {
  const seen = new SeenM1(8);
  const mac = (number: number) => new Uint8Array(20).fill(number);
  for (let number = 0; number < 20; number++) assert(seen.first(mac(number)));
  assert(seen.size <= 8);
  for (let number = 16; number < 20; number++) assert(!seen.first(mac(number)), `${number}`);
});
