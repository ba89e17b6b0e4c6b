// Where the lab keeps things. Nothing is written outside `labDir()`.

/** Absolute path of the project root, without a trailing slash. */
export const projectRoot: string = new URL("../../../", import.meta.url).pathname.replace(
  /\/$/,
  "",
);

/** Absolute path of the lab's guest scripts. */
export const guestDir: string = `${projectRoot}/tests/lab/guest`;

/** The directory of images, caches and runs: `X0_LAB_DIR`, or `.lab` in the project root. */
export function labDir(): string {
  const given = Deno.env.get("X0_LAB_DIR");
  return given === undefined || given === "" ? `${projectRoot}/.lab` : given;
}

/** Whether a file or directory exists at `path`. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
