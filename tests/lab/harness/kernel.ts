// The guest's kernel: its release, its ELF image taken out of the boot image, and its modules.
//
// Source: linux v6.12 Documentation/arch/x86/boot.rst (setup_sects at 0x1f1, payload_offset at 0x248,
// payload_length at 0x24c). The ELF boots seconds faster under emulation, because the guest need not
// decompress it.

import { zstdDecompressSync } from "node:zlib";
import { run, runText } from "./command.ts";
import { LabError } from "./errors.ts";
import { KERNEL_SERIES } from "./limits.ts";

/** Module directories copied whole: networking, and the ciphers it asks for by name at run time. */
const moduleFolders = ["kernel/net", "kernel/crypto", "kernel/arch/x86/crypto", "kernel/lib"];

/** Modules copied with everything they depend on. A missing one fails the build. */
const moduleNames = [
  "9p",
  "9pnet_virtio",
  "batman-adv",
  "dummy",
  "ext4",
  "geneve",
  "ifb",
  "loop",
  "mac80211_hwsim",
  "macvlan",
  "nlmon",
  "overlay",
  "softdog",
  "squashfs",
  "tun",
  "vcan",
  "veth",
  "virtio_balloon",
  "virtio_blk",
  "virtio_console",
  "virtio_net",
  "virtio_pci",
  "virtio_rng",
  "vrf",
  "vxlan",
  "wireguard",
];

/** Modules in the initial RAM disk, loaded in dependency order before the root can be mounted. */
const earlyModuleNames = [
  "virtio_pci",
  "virtio_blk",
  "ext4",
  "overlay",
  "9pnet_virtio",
  "9p",
];

/** Release of the only kernel unpacked under `root`, such as "6.12.48+deb13-amd64". */
export async function kernelRelease(root: string): Promise<string> {
  const found = (await Array.fromAsync(Deno.readDir(`${root}/usr/lib/modules`)))
    .map((entry) => entry.name);
  const [release] = found;
  if (found.length !== 1 || release === undefined || !release.startsWith(`${KERNEL_SERIES}.`)) {
    throw new LabError(`Cannot use the guest's kernel: want one ${KERNEL_SERIES}, have [${found}]`);
  }
  return release;
}

/** Takes the ELF kernel out of an x86 boot image (`vmlinuz`) with a zstd payload. */
export function extractVmlinux(bootImage: Uint8Array): Uint8Array {
  const view = new DataView(bootImage.buffer, bootImage.byteOffset, bootImage.byteLength);
  if (bootImage.byteLength < 0x250 || view.getUint32(0x202, true) !== 0x53726448) {
    throw new LabError('Cannot extract the kernel: no "HdrS" boot header');
  }
  const setupSectors = view.getUint8(0x1f1) || 4;
  const start = (setupSectors + 1) * 512 + view.getUint32(0x248, true);
  // The build appends the decompressed size as four bytes after the zstd frame.
  const end = start + view.getUint32(0x24c, true) - 4;
  if (end > bootImage.byteLength || view.getUint32(start, true) !== 0xfd2fb528) {
    throw new LabError("Cannot extract the kernel: payload is not zstd");
  }
  const kernel = zstdDecompressSync(bootImage.subarray(start, end));
  if (new DataView(kernel.buffer, kernel.byteOffset).getUint32(0, false) !== 0x7f454c46) {
    throw new LabError("Cannot extract the kernel: payload is not an ELF file");
  }
  return kernel;
}

/** A module without its appended signature, which the guest would spend a third of a second checking.
 * Source: linux v6.12 include/linux/module_signature.h. */
export function withoutSignature(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const marker = new TextEncoder().encode("~Module signature appended~\n");
  const end = module.byteLength - marker.byteLength;
  const infoBytes = 12;
  if (end < infoBytes || !marker.every((byte, i) => module[end + i] === byte)) return module;
  const signatureBytes = new DataView(module.buffer, module.byteOffset + end - 4).getUint32(0);
  return module.slice(0, end - infoBytes - signatureBytes);
}

/** Copies the wanted modules from `from` to `to` (both roots), decompressed, and indexes them. */
export async function copyModules(from: string, to: string, release: string): Promise<void> {
  const base = `usr/lib/modules/${release}`;
  const files = new Set<string>(await dependencyFiles(from, release, moduleNames));
  const listed = await runText(["find", ...moduleFolders, "-name", "*.ko.xz"], {
    cwd: `${from}/${base}`,
  });
  for (const line of listed.split("\n")) if (line !== "") files.add(line);
  // Networking modules lean on helpers elsewhere in the tree.
  const names = [...files].map((file) => moduleNameOf(file));
  for (const file of await dependencyFiles(from, release, names)) files.add(file);
  const list = new TextEncoder().encode([...files].sort().join("\n"));
  await Deno.mkdir(`${to}/${base}`, { recursive: true });
  await run(["cpio", "-pdm", "--quiet", `${to}/${base}`], { cwd: `${from}/${base}`, stdin: list });
  await run(["find", `${to}/${base}`, "-name", "*.ko.xz", "-exec", "xz", "-d", "{}", "+"]);
  const unpacked = await runText(["find", `${to}/${base}`, "-name", "*.ko"]);
  for (const path of unpacked.split("\n")) {
    if (path !== "") await Deno.writeFile(path, withoutSignature(await Deno.readFile(path)));
  }
  for (const name of ["modules.order", "modules.builtin", "modules.builtin.modinfo"]) {
    await Deno.copyFile(`${from}/${base}/${name}`, `${to}/${base}/${name}`);
  }
  await run(["depmod", "-b", to, release]);
}

/** Absolute paths of the early modules under `root`, each after those it depends on. */
export async function earlyModules(root: string, release: string): Promise<string[]> {
  const files = await dependencyFiles(root, release, earlyModuleNames);
  return files.map((file) => `${root}/usr/lib/modules/${release}/${file}`);
}

async function dependencyFiles(root: string, release: string, names: readonly string[]) {
  const argv = ["modprobe", "-d", root, "-S", release, "--show-depends", "-a", ...names];
  const marker = `/modules/${release}/`;
  const files = new Set<string>();
  for (const line of (await runText(argv)).split("\n")) {
    if (!line.startsWith("insmod ")) continue;
    const at = line.indexOf(marker);
    if (at < 0) throw new LabError(`Cannot read a module's path: ${line}`);
    const [file] = line.slice(at + marker.length).trim().split(" ");
    if (file !== undefined) files.add(file);
  }
  return [...files];
}

function moduleNameOf(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1).replace(/\.ko(\.xz)?$/, "");
}
