// Writes docs/configuration.md from the configuration's schema. With --check it only compares.
import { allKeys, type KeyInfo, parseConfig } from "../core/config/mod.ts";
import { defaultOf, expects, metaOf, shapeOf } from "../core/document/mod.ts";
import { tomlLiteral } from "../core/config/write.ts";
import { ROOT } from "./lib/modules.ts";

const TARGET = `${ROOT}/docs/configuration.md`;

const EXAMPLE = `# A node with one radio, an access point and Internet access on eth0.
[node]
name = "tower"
contact = "mesh@example.org"
location = { latitude = 52.52, longitude = 13.405 }

[wireless]
country = "DE"

[[radios]]
band = "5GHz"
channel = 36
passphrase = "the same on every node"

[[client_ap]]
ssid = "village"
security = "owe"

[mesh.gateway]
mode = "server"
down_kbps = 50_000
up_kbps = 10_000

[lan]
addresses = ["10.7.0.1/16"]

[lan.dhcp]
enabled = true
range_start = "10.7.1.0"
range_end = "10.7.9.255"

[wan]
interface = "eth0"
method = "dhcp"
`;

const INTRODUCTION = `# Configuration

One TOML document says what a node is to be. An empty document is valid: every key has a default or
may be left out. A key that does not exist is an error, with the key that may have been meant; all
errors are reported at once, each with line, column, key, what was expected and what was found.

\`\`\`toml
${EXAMPLE}\`\`\`

## Applying

Applying reads the machine, does the least that is needed, and reads back. What could not be done (a
radio that is unplugged, a channel the country forbids, a kernel without batman-adv, a program that is
not installed) is reported with its reason; everything else is in force. Applying the same document
again changes nothing. Interfaces, addresses and rules that no document named are left alone.

A change waits to be confirmed: for 60 seconds unless told otherwise. Without a confirmation, or when
the node stops or loses power before it, the document before is applied again and the event log says
so. Before the machine is touched, the document before, the new one and the deadline are on disk; the
one atomic replacement of the document's file is the point where a change is confirmed. While one
change waits, another is refused.

A file with errors found at start is left as it is, and the last good document is applied.

| command                        | what it does                                             |
| ------------------------------ | -------------------------------------------------------- |
| \`config show\`                  | the document in force                                    |
| \`config diff FILE\`             | keys that would change and the steps that would be taken |
| \`config set KEY VALUE\`         | changes one key; comments and order of the file are kept |
| \`config apply FILE\`            | applies and waits to be confirmed                        |
| \`config confirm\`, \`rollback\`   | keeps the change, or undoes it now                       |

Keys marked secret are never shown in logs, answers or differences.
`;

/** Text in a table's cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function typeOf({ schema }: KeyInfo): string {
  const secret = metaOf(schema).secret === true ? " Secret." : "";
  const words = expects(schema);
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.${secret}`;
}

function defaultText(schema: KeyInfo["schema"]): string {
  const value = defaultOf(schema);
  if (value !== undefined) return `\`${tomlLiteral(value)}\``;
  return schema.safeParse(undefined).success ? "–" : "required";
}

function row(info: KeyInfo): string {
  const name = info.name.slice(info.name.lastIndexOf(".") + 1);
  const { description = "" } = metaOf(info.schema);
  return `| \`${name}\` | ${cell(description)} | ${cell(typeOf(info))} | ${
    cell(defaultText(info.schema))
  } |`;
}

/** Whether a key is a table or a list of tables, which gets a section of its own. */
function isTable({ schema }: KeyInfo): boolean {
  const shape = shapeOf(schema);
  return shape.type === "object" ||
    (shape.type === "list" && shapeOf(shape.item).type === "object");
}

function section(info: KeyInfo, keys: readonly KeyInfo[]): string {
  const list = shapeOf(info.schema).type === "list";
  const prefix = `${info.name}${list ? "[]" : ""}.`;
  const own = keys.filter((key) =>
    key.name.startsWith(prefix) && !key.name.slice(prefix.length).includes(".") && !isTable(key)
  );
  const name = info.name.replaceAll("[]", "");
  const { description = "" } = metaOf(info.schema);
  const table = own.length === 0 ? [] : [
    "",
    "| key | what it is | value | default |",
    "| --- | --- | --- | --- |",
    ...own.map(row),
  ];
  return [
    `## \`${list ? `[[${name}]]` : `[${name}]`}\``,
    "",
    `${description}${list ? " A list: one header an entry." : ""}`,
    ...table,
    "",
  ].join("\n");
}

async function formatted(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout } = await child.output();
  if (code !== 0) throw new Error("Cannot format docs/configuration.md: deno fmt failed");
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  const example = parseConfig(EXAMPLE);
  if (!example.ok) throw new Error(`The example is invalid: ${example.errors[0]?.message}`);
  const keys = allKeys();
  const sections = keys.filter(isTable).map((key) => section(key, keys));
  const text = await formatted([INTRODUCTION, ...sections].join("\n"));
  if (Deno.args.includes("--check")) {
    const present = await Deno.readTextFile(TARGET).catch(() => "");
    if (present !== text) {
      console.error("docs/configuration.md is stale: run deno run -A scripts/config_docs.ts");
      Deno.exit(1);
    }
  } else await Deno.writeTextFile(TARGET, text);
}
