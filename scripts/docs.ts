// Checks the documents against the tree: links in Markdown resolve, every dependency has its reason in
// docs/dependencies.md, exported symbols are documented, generated parts are up to date.
import { dirname, join, normalize } from "node:path";
import { filesBelow, ROOT } from "./lib/modules.ts";

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(`${ROOT}/${path}`).then(() => true, () => false);
}

async function brokenLinks(): Promise<string[]> {
  const out: string[] = [];
  for (const path of (await filesBelow()).filter((name) => name.endsWith(".md"))) {
    const text = (await Deno.readTextFile(`${ROOT}/${path}`)).replace(/```[\s\S]*?```/g, "");
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^([a-z]+:|#)/.test(target)) continue;
      const file = normalize(join(dirname(path), target.replace(/#.*$/, "")));
      if (!await exists(file)) out.push(`${path}: link to "${target}" leads nowhere`);
    }
  }
  return out;
}

async function undocumentedDependencies(): Promise<string[]> {
  const { imports } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`)) as {
    imports: Record<string, string>;
  };
  const table = await Deno.readTextFile(`${ROOT}/docs/dependencies.md`).catch(() => "");
  const packages = new Set(
    Object.values(imports).flatMap((target) => {
      const match = /^npm:\/?((?:@[^/@]+\/)?[^/@]+)@([^/]+)/.exec(target);
      return match === null ? [] : [`${match[1]} ${match[2]}`];
    }),
  );
  return [...packages].flatMap((entry) => {
    const [name = "", version = ""] = entry.split(" ");
    const row = table.split("\n").find((line) => line.split("|")[1]?.trim() === name);
    if (row === undefined) return [`docs/dependencies.md: no row for "${name}"`];
    return row.includes(version)
      ? []
      : [`docs/dependencies.md: "${name}" is ${version} in deno.json`];
  });
}

interface DocNodes {
  readonly nodes: Record<string, {
    readonly symbols: readonly {
      readonly name: string;
      readonly declarations: readonly {
        readonly kind: string;
        readonly declarationKind: string;
        readonly jsDoc?: { readonly doc?: string };
        readonly location: { readonly filename: string; readonly line: number };
      }[];
    }[];
  }>;
}

/** Exported symbols of each folder's mod.ts without a docstring. Members may speak for themselves. */
async function undocumentedSymbols(): Promise<string[]> {
  const faces = (await filesBelow()).filter((path) => /^(core|ffi)\/[^/]+\/mod\.ts$/.test(path));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...faces],
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (code !== 0) return [`deno doc failed: ${new TextDecoder().decode(stderr).trim()}`];
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as DocNodes;
  const out = new Set<string>();
  for (const { symbols } of Object.values(nodes)) {
    for (const { name, declarations } of symbols) {
      const exported = declarations.filter((d) =>
        d.declarationKind === "export" && d.kind !== "reference"
      );
      const [first] = exported;
      if (first === undefined || exported.some((d) => d.jsDoc?.doc !== undefined)) continue;
      const place = first.location.filename.replace(`file://${ROOT}/`, "");
      out.add(`${place}:${first.location.line}: "${name}" has no docstring`);
    }
  }
  return [...out].sort();
}

/** Scripts that regenerate a document; `--check` compares instead of writing. */
const GENERATORS = ["scripts/config_docs.ts", "scripts/figures.ts"];

async function staleDocuments(): Promise<string[]> {
  const out: string[] = [];
  for (const script of GENERATORS) {
    if (!await exists(script)) {
      out.push(`${script} is missing`);
      continue;
    }
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script, "--check"],
      cwd: ROOT,
      stdout: "null",
      stderr: "piped",
    }).output();
    if (code !== 0) out.push(`${script} --check: ${new TextDecoder().decode(stderr).trim()}`);
  }
  return out;
}

if (import.meta.main) {
  const problems = (await Promise.all([
    brokenLinks(),
    undocumentedDependencies(),
    undocumentedSymbols(),
    staleDocuments(),
  ])).flat();
  for (const problem of problems) console.error(problem);
  console.log(`docs: ${problems.length} problems`);
  if (problems.length > 0) Deno.exit(1);
}
