import { assertEquals, assertThrows } from "@std/assert";
import { zstdCompressSync } from "node:zlib";
import { LabError } from "./errors.ts";
import { extractVmlinux, withoutSignature } from "./kernel.ts";

function bootImage(payload: Uint8Array): Uint8Array {
  const image = new Uint8Array(1024 + payload.byteLength + 4);
  const view = new DataView(image.buffer);
  view.setUint8(0x1f1, 1);
  view.setUint32(0x202, 0x53726448, true);
  view.setUint32(0x24c, payload.byteLength + 4, true);
  image.set(payload, 1024);
  return image;
}

Deno.test("extractVmlinux() takes the ELF file out of a boot image", () => {
  const elf = new Uint8Array(5000).fill(7);
  elf.set([0x7f, 0x45, 0x4c, 0x46]);
  assertEquals(new Uint8Array(extractVmlinux(bootImage(zstdCompressSync(elf)))), elf);
});

Deno.test("extractVmlinux() refuses what is not a zstd-packed ELF kernel", () => {
  const text = zstdCompressSync(new Uint8Array(100));
  assertThrows(() => extractVmlinux(new Uint8Array(2048)), LabError, "HdrS");
  assertThrows(() => extractVmlinux(bootImage(new Uint8Array(64))), LabError, "not zstd");
  assertThrows(() => extractVmlinux(bootImage(text)), LabError, "not an ELF");
  assertThrows(() => extractVmlinux(bootImage(text).slice(0, 1030)), LabError, "not zstd");
});

Deno.test("withoutSignature() cuts the appended signature and nothing else", () => {
  const code = new Uint8Array([1, 2, 3, 4]);
  const signed = new Uint8Array([
    ...code,
    ...[9, 9, 9],
    ...[0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3],
    ...new TextEncoder().encode("~Module signature appended~\n"),
  ]);
  assertEquals(withoutSignature(signed), code);
  assertEquals(withoutSignature(code), code);
});
