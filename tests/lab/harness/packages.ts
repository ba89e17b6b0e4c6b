// The Debian packages of the lab: those the host needs to build and run guests, and those inside the
// guest. Installing on the host happens only as root and only for programs that are missing. No
// package source is named here: the host's own settings and mmdebstrap's default are used.

import { hasProgram, run } from "./command.ts";
import { LabError } from "./errors.ts";

/** Release of the guest's Debian. */
export const GUEST_RELEASE = "trixie";

/** Host programs by the Debian package that brings them. */
const hostPrograms: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  mmdebstrap: "mmdebstrap",
  "mke2fs": "e2fsprogs",
  cpio: "cpio",
  depmod: "kmod",
  xz: "xz-utils",
  tar: "tar",
  timeout: "coreutils",
};

/** Packages in the guest: the kernel, what the tests compare with, and a minimal userland. */
export const guestPackages: readonly string[] = [
  "base-files",
  "base-passwd",
  "bash",
  "batctl",
  "busybox-static",
  "ca-certificates",
  "coreutils",
  "curl",
  "dash",
  "dnsmasq-base",
  "ethtool",
  "findutils",
  "grep",
  "hostapd",
  "iperf3",
  "iproute2",
  "iputils-ping",
  "iw",
  "jq",
  "kmod",
  "libc6",
  "libgcc-s1",
  "libnftables1",
  "libstdc++6",
  "linux-image-amd64",
  "mount",
  "nftables",
  "openssl",
  "procps",
  "sed",
  "tar",
  "tcpdump",
  "util-linux",
  "wireguard-tools",
  "wireless-regdb",
  "wpasupplicant",
];

/** Installs what the host lacks; throws LabError with the command to run when it may not. */
export async function ensureHostPackages(log: (line: string) => void): Promise<void> {
  const missing: string[] = [];
  for (const [program, debianPackage] of Object.entries(hostPrograms)) {
    if (!await hasProgram(program)) missing.push(debianPackage);
  }
  if (missing.length === 0) return;
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...missing];
  if (Deno.uid() !== 0) {
    throw new LabError(`Cannot build the lab: missing programs; run as root: ${install.join(" ")}`);
  }
  log(`lab: installing ${missing.join(" ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run(["apt-get", "update", "-q"], { env });
  await run(install, { env });
}

/** Unpacks the guest's packages into the new directory `root`; no maintainer script runs. */
export async function unpackGuestPackages(root: string): Promise<void> {
  if (Deno.uid() !== 0) {
    throw new LabError("Cannot build the lab's guest root: run the build as root once");
  }
  await run([
    "mmdebstrap",
    "--mode=root",
    "--variant=extract",
    "--architectures=amd64",
    `--include=${guestPackages.join(",")}`,
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    '--aptopt=APT::Install-Recommends "false"',
    GUEST_RELEASE,
    root,
  ]);
  for (const file of ["passwd", "group"]) {
    await Deno.copyFile(`${root}/usr/share/base-passwd/${file}.master`, `${root}/etc/${file}`);
  }
}
