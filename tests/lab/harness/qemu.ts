// One guest under QEMU's software emulation: its command line, and running it to its end.

import { runLines } from "./lines.ts";
import type { Image } from "./image.ts";
import { GUEST_MEM_MIB, GUEST_TIMEOUT_S, KILL_AFTER_S } from "./limits.ts";

/** How to boot a guest. */
export interface GuestOptions {
  readonly image: Image;
  /** Host directory that the guest sees at /out, readable and writable; holds `run.sh`. */
  readonly outDir: string;
  /** Read-only disks after the root disk: first a tar file unpacked at /, then the npm packages. */
  readonly disks?: readonly string[];
  readonly memMib?: number;
  readonly timeoutS?: number;
  /** Count guest time in instructions (2 ns each) on one processor, so that a busy host does not
   * disturb timing inside the guest. */
  readonly virtualTime?: boolean;
  /** More QEMU arguments, such as network devices. */
  readonly extraArgs?: readonly string[];
  /** More kernel arguments. */
  readonly kernelArgs?: string;
}

/** How a guest ended. */
export interface GuestEnd {
  /** What `run.sh` exited with (0 to 127), or undefined when the guest never said. */
  readonly status: number | undefined;
  /** Why there is no status. */
  readonly failure?: string;
  /** Whether its kernel panicked. */
  readonly panic?: boolean;
}

/** Boots a guest and gives every console line to `onLine`; resolves when the guest is off. */
export async function runGuest(
  options: GuestOptions,
  onLine: (line: string) => void,
  signal?: AbortSignal,
): Promise<GuestEnd> {
  const timeoutS = options.timeoutS ?? GUEST_TIMEOUT_S;
  let panic: string | undefined;
  const argv = ["timeout", "-k", String(KILL_AFTER_S), String(timeoutS), ...qemuArgv(options)];
  const code = await runLines(argv, (line) => {
    if (line.includes("Kernel panic")) panic ??= line.replace(/^\[[^\]]*\] /, "");
    onLine(line);
  }, signal);
  if (panic !== undefined) return { status: undefined, failure: panic, panic: true };
  if (code === 124 || code === 137) {
    return { status: undefined, failure: `guest still running after ${timeoutS} s` };
  }
  if (code % 2 === 1) return { status: code >> 1 };
  return { status: undefined, failure: `guest went off without a result (QEMU status ${code})` };
}

/** The QEMU command line for a guest. */
export function qemuArgv(options: GuestOptions): string[] {
  const virtual = options.virtualTime === true;
  const accel = virtual
    ? ["-accel", "tcg,thread=single,tb-size=512", "-icount", "shift=1,sleep=off", "-smp", "1"]
    // One processor: the kernel patches its own code while it runs (static keys), and with several the
    // emulator may go on with what it translated before: "Oops: int3", once in some sixty guests.
    : ["-accel", "tcg,thread=multi,tb-size=256", "-smp", "1"];
  const drive = (id: string, file: string) => [
    "-drive",
    `if=none,id=${id},file=${file},format=raw,readonly=on,cache=unsafe`,
    "-device",
    `virtio-blk-pci,drive=${id}`,
  ];
  const kernelArgs = [
    "console=ttyS0 quiet loglevel=3 panic=-1 oops=panic mitigations=off nokaslr",
    // Emulation stalls when the host is busy; these watchdogs would blame the guest.
    "nowatchdog nosoftlockup rcupdate.rcu_cpu_stall_suppress=1 random.trust_cpu=on",
    options.kernelArgs ?? "",
  ];
  return [
    "qemu-system-x86_64",
    ...accel,
    ...["-cpu", "Nehalem,+rdrand", "-M", "q35", "-m", String(options.memMib ?? GUEST_MEM_MIB)],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"],
    ...["-device", "isa-debug-exit,iobase=0x501,iosize=2", "-device", "virtio-rng-pci"],
    ...["-fsdev", `local,id=out,path=${options.outDir},security_model=none`],
    ...["-device", "virtio-9p-pci,fsdev=out,mount_tag=out"],
    ...["-kernel", options.image.kernel, "-initrd", options.image.initrd],
    ...drive("root", options.image.root),
    ...(options.disks ?? []).flatMap((file, index) => drive(`disk${index}`, file)),
    ...["-append", kernelArgs.join(" ").trim()],
    ...(options.extraArgs ?? []),
  ];
}
