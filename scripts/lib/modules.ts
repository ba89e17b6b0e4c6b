// The project's own files and the imports between them, as `deno info --json` sees them.
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the project. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

const SKIPPED = new Set([".git", ".lab", "dist", "coverage", "node_modules", "data"]);

/** Paths of the project's files below `folder`, relative to the project, sorted. */
export async function filesBelow(folder = ""): Promise<string[]> {
  const out: string[] = [];
  for await (const entry of Deno.readDir(`${ROOT}/${folder}`)) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory && !SKIPPED.has(entry.name)) out.push(...await filesBelow(path));
    if (entry.isFile) out.push(path);
  }
  return out.sort();
}

/** The project's TypeScript files. */
export async function sourceFiles(): Promise<string[]> {
  return (await filesBelow()).filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".d.ts"));
}

interface Info {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

async function info(entry: string): Promise<Info> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Module → the project's modules it imports (types included), all relative to the project. */
export async function walkModules(): Promise<Map<string, Set<string>>> {
  const files = await sourceFiles();
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    entry,
    files.map((path) => `import "file://${ROOT}/${path}";`).join("\n"),
  );
  try {
    const own = (specifier: string | undefined) =>
      specifier?.startsWith(`file://${ROOT}/`) ? relative(ROOT, fileURLToPath(specifier)) : null;
    const graph = new Map<string, Set<string>>();
    for (const module of (await info(entry)).modules) {
      const from = own(module.specifier);
      if (from === null) continue;
      const imports = new Set<string>();
      for (const { code, type } of module.dependencies ?? []) {
        for (const to of [own(code?.specifier), own(type?.specifier)]) {
          if (to !== null && to !== from && !to.endsWith(".d.ts")) imports.add(to);
        }
      }
      graph.set(from, imports);
    }
    return graph;
  } finally {
    await Deno.remove(entry);
  }
}
