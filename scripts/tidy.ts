// House rules that a program can check. Prints each breach with its place; exits 1 when there is one.
import { ROOT, sourceFiles } from "./lib/modules.ts";

const MAX_FILE_LINES = 430;

/** Where the world may be touched directly: everybody else takes a port. */
const AMBIENT_ALLOWED =
  /^(core\/host\/|core\/daemon\/|ffi\/sys\/|main\.ts$|tests\/|scripts\/|web\/static\/)|_test\.tsx?$/;
const AMBIENT =
  /\b(Date\.now\(|new Date\(\)|setTimeout\(|setInterval\(|Math\.random\(|crypto\.getRandomValues\(|performance\.now\(|Deno\.(?!test\b|UnsafePointer)\w+|(?:await|return|=>?)\s+fetch\()/;

const CONSOLE_ALLOWED = /^(scripts\/|tests\/|main\.ts$|web\/static\/)|_test\.tsx?$/;

/** Words for work that is not done. */
const UNFINISHED = /\b(TODO|FIXME|XXX|HACK)\b/;

/** Hosts no file may name. */
const HOSTS = new RegExp(["registry\\.npm" + "js\\.org", "deb\\.deb" + "ian\\.org"].join("|"));

interface Breach {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
}

function breachesOf(path: string, text: string): Breach[] {
  const out: Breach[] = [];
  const lines = text.split("\n");
  if (lines.length > MAX_FILE_LINES) {
    out.push({ path, line: lines.length, rule: `longer than ${MAX_FILE_LINES} lines` });
  }
  let inTemplate = false;
  for (const [index, line] of lines.entries()) {
    const code = line.replace(/\/\/.*$/, "").replace(/"(?:[^"\\]|\\.)*"/g, '""');
    const comment = /^\s*(\*|\/\*)/.test(line);
    if (((code.match(/`/g) ?? []).length) % 2 === 1) inTemplate = !inTemplate;
    const add = (rule: string) => out.push({ path, line: index + 1, rule });
    if (!comment && !inTemplate && !AMBIENT_ALLOWED.test(path)) {
      const found = AMBIENT.exec(code);
      if (found !== null) add(`uses ${found[1]}: take a port instead`);
    }
    if (!comment && !CONSOLE_ALLOWED.test(path) && /\bconsole\./.test(code)) {
      add("writes to the console: log through the daemon's logger");
    }
    if (path !== "scripts/tidy.ts" && UNFINISHED.test(line)) add("unfinished work in the source");
    if (HOSTS.test(line)) add("names a package registry's host");
    if (/\b(Deno\.test|it|describe)\.only\(|\bonly: true/.test(line)) add("a test runs alone");
  }
  return out;
}

if (import.meta.main) {
  const breaches: Breach[] = [];
  const files = await sourceFiles();
  for (const path of files) {
    breaches.push(...breachesOf(path, await Deno.readTextFile(`${ROOT}/${path}`)));
  }
  for (const { path, line, rule } of breaches) console.error(`${path}:${line}: ${rule}`);
  console.log(`tidy: ${files.length} files, ${breaches.length} breaches`);
  if (breaches.length > 0 || files.length === 0) Deno.exit(1);
}
