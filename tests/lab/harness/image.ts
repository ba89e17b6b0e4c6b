// Makes what QEMU boots: the kernel as ELF, the initial RAM disk and the read-only root image. Each
// is kept under a name made from a hash of its inputs, so that an unchanged lab builds in no time.

import { run, runText } from "./command.ts";
import { removeOld, removeTree, shortHash } from "./files.ts";
import { ROOT_IMAGE_MIB } from "./limits.ts";
import { copyModules, earlyModules, extractVmlinux, kernelRelease } from "./kernel.ts";
import { ensureHostPackages, guestPackages, unpackGuestPackages } from "./packages.ts";
import { withLock } from "./lock.ts";
import { exists, guestDir, labDir } from "./paths.ts";

/** Absolute paths of a finished build. */
export interface Image {
  /** Directory that holds the three files. */
  readonly dir: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly root: string;
}

/** Returns the image for the present inputs, building it first where needed. Safe to call at once
 * from several processes: one builds, the others wait. */
export async function buildImage(log: (line: string) => void): Promise<Image> {
  await Deno.mkdir(labDir(), { recursive: true });
  const rootfsKey = await shortHash([
    "rootfs 1",
    await ownText("packages.ts"),
    guestPackages.join(),
  ]);
  const guestFiles = await Promise.all(
    ["stage1.sh", "stage2.sh"].map((name) => Deno.readTextFile(`${guestDir}/${name}`)),
  );
  const imageKey = await shortHash([
    rootfsKey,
    await ownText("image.ts"),
    await ownText("kernel.ts"),
    Deno.version.deno,
    ...guestFiles,
  ]);
  const image = imageAt(`${labDir()}/image-${imageKey}`);
  if (await exists(`${image.dir}/done`)) return image;
  return await withLock(`${labDir()}/build.lock`, async () => {
    if (await exists(`${image.dir}/done`)) return image;
    const startMs = performance.now();
    await ensureHostPackages(log);
    const rootfs = await buildRootfs(`${labDir()}/rootfs-${rootfsKey}`, log);
    await buildFiles(rootfs, image, log);
    await removeOld(labDir(), /^(image|rootfs)-/, [rootfs, image.dir]);
    log(`lab: built in ${((performance.now() - startMs) / 1000).toFixed(0)} s: ${image.dir}`);
    return image;
  });
}

function imageAt(dir: string): Image {
  return { dir, kernel: `${dir}/vmlinux`, initrd: `${dir}/initrd.cpio`, root: `${dir}/root.ext4` };
}

async function buildRootfs(dir: string, log: (line: string) => void): Promise<string> {
  if (await exists(`${dir}/done`)) return dir;
  log("lab: unpacking the guest's Debian packages (20 s or so)");
  await removeTree(dir);
  await Deno.mkdir(dir, { recursive: true });
  await unpackGuestPackages(`${dir}/root`);
  log("lab: indexing its kernel modules (15 s or so)");
  await run(["depmod", "-b", `${dir}/root`, await kernelRelease(`${dir}/root`)]);
  await Deno.writeTextFile(`${dir}/done`, "");
  return dir;
}

async function buildFiles(rootfs: string, image: Image, log: (line: string) => void) {
  const from = `${rootfs}/root`;
  const release = await kernelRelease(from);
  const work = `${image.dir}.partial`;
  await removeTree(work);
  await Deno.mkdir(work, { recursive: true });
  log("lab: taking out the kernel and its modules");
  const bootImage = await Deno.readFile(`${from}/boot/vmlinuz-${release}`);
  await Deno.writeFile(`${work}/vmlinux`, extractVmlinux(bootImage));
  // Hard links: files are added to and removed from the copy, never changed in place.
  await run(["cp", "-al", from, `${work}/root`]);
  await run(["rm", "-rf", `${work}/root/boot`, `${work}/root/usr/lib/modules`]);
  await copyModules(from, `${work}/root`, release);
  await addGuestFiles(`${work}/root`);
  log("lab: making the root image and the initial RAM disk");
  await makeInitrd(`${work}/root`, release, work);
  await run([
    ...["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-L", "labroot"],
    ...["-E", "lazy_itable_init=1,nodiscard", "-d", `${work}/root`, `${work}/root.ext4`],
    `${ROOT_IMAGE_MIB}M`,
  ]);
  await removeTree(`${work}/root`);
  await Deno.writeTextFile(`${work}/done`, release);
  await removeTree(image.dir);
  await Deno.rename(work, image.dir);
}

async function addGuestFiles(root: string): Promise<void> {
  for (const dir of ["lab", "out", "deno-dir", "usr/local/bin", "usr/local/bb", "proc", "sys"]) {
    await Deno.mkdir(`${root}/${dir}`, { recursive: true });
  }
  await Deno.copyFile(Deno.execPath(), `${root}/usr/local/bin/deno`);
  await Deno.chmod(`${root}/usr/local/bin/deno`, 0o755);
  await Deno.copyFile(`${guestDir}/stage2.sh`, `${root}/lab/stage2.sh`);
  await Deno.chmod(`${root}/lab/stage2.sh`, 0o755);
  const files: Record<string, string> = {
    "etc/hostname": "lab\n",
    "etc/hosts": "127.0.0.1 localhost lab\n::1 localhost\n",
    "etc/resolv.conf": "",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
  };
  for (const [name, text] of Object.entries(files)) {
    await run(["rm", "-f", `${root}/${name}`]);
    await Deno.writeTextFile(`${root}/${name}`, text);
  }
  // Busybox stands in, last on the PATH, for small tools that no listed package brings.
  const applets = (await runText([`${root}/usr/bin/busybox`, "--list"])).trim().split("\n");
  for (const applet of applets) {
    await Deno.symlink("/usr/bin/busybox", `${root}/usr/local/bb/${applet}`);
  }
}

async function makeInitrd(root: string, release: string, work: string): Promise<void> {
  const dir = `${work}/initrd`;
  for (const name of ["bin", "mod", "proc", "sys", "dev", "root"]) {
    await Deno.mkdir(`${dir}/${name}`, { recursive: true });
  }
  await Deno.copyFile(`${root}/usr/bin/busybox`, `${dir}/bin/busybox`);
  await Deno.symlink("busybox", `${dir}/bin/sh`);
  const order: string[] = [];
  for (const path of await earlyModules(root, release)) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    order.push(name);
    await Deno.copyFile(path, `${dir}/mod/${name}`);
  }
  await Deno.writeTextFile(`${dir}/mod/order`, order.join("\n") + "\n");
  await Deno.copyFile(`${guestDir}/stage1.sh`, `${dir}/init`);
  await Deno.chmod(`${dir}/init`, 0o755);
  await Deno.chmod(`${dir}/bin/busybox`, 0o755);
  const names = new TextEncoder().encode(await runText(["find", "."], { cwd: dir }));
  const archive = await run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"], {
    cwd: dir,
    stdin: names,
  });
  await Deno.writeFile(`${work}/initrd.cpio`, archive);
  await removeTree(dir);
}

function ownText(name: string): Promise<string> {
  return Deno.readTextFile(new URL(name, import.meta.url));
}
