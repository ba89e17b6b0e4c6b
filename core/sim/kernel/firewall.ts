// The Firewall port of one simulated node. Tables are checked for their outer form and kept; no packet
// is evaluated, and `available()` says so.
import type { Firewall, FirewallElement, FirewallFamily, FirewallSet } from "../../ports/mod.ts";
import { RULESET_MAX } from "../limits.ts";
import { fault, type NodeState } from "./state.ts";

const FAMILIES = ["inet", "ip", "ip6", "netdev", "bridge", "arp"];

type Statement =
  | { readonly act: "define"; readonly key: string; readonly body: string }
  | { readonly act: "add" | "delete" | "destroy" | "flush"; readonly key: string }
  | { readonly act: "flush-all" };

function refuse(why: string): Error {
  return fault("invalid", `Cannot apply the ruleset: ${why}`);
}

/** Splits a ruleset into statements about whole tables. */
function parse(ruleset: string): Statement[] {
  if (ruleset.length > RULESET_MAX) throw refuse(`it has more than ${RULESET_MAX} characters`);
  const text = ruleset.replace(/^\s*#.*$/gm, "");
  const statements: Statement[] = [];
  let at = 0;
  const head =
    /\s*(?:;\s*)*(?:(flush)\s+ruleset|(?:(add|create|delete|destroy|flush)\s+)?table\s+(?:(\w+)\s+)?([\w.-]+))\s*/y;
  while (text.slice(at).trim().replaceAll(";", "") !== "") {
    head.lastIndex = at;
    const found = head.exec(text);
    if (found === null) {
      throw refuse(`syntax error, unexpected "${text.slice(at).trim().slice(0, 40)}"`);
    }
    at = head.lastIndex;
    if (found[1] !== undefined) {
      statements.push({ act: "flush-all" });
      continue;
    }
    const family = found[3] ?? "ip";
    if (!FAMILIES.includes(family)) throw refuse(`there is no family "${family}"`);
    const key = `${family} ${found[4]}`;
    const act = found[2] ?? "add";
    if (text[at] !== "{") {
      statements.push({ act: act === "create" ? "add" : act as "add", key });
      continue;
    }
    const end = closing(text, at);
    statements.push({ act: "define", key, body: text.slice(at + 1, end) });
    at = end + 1;
  }
  return statements;
}

/** Index of the brace that closes the one at `start`. */
function closing(text: string, start: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"') quoted = !quoted;
    if (quoted) continue;
    if (character === "{") depth++;
    if (character === "}" && --depth === 0) return at;
  }
  throw refuse("syntax error, unexpected end of file: a brace is not closed");
}

const hex = (octets: Uint8Array) =>
  Array.from(octets, (o) => o.toString(16).padStart(2, "0")).join("");

/** The Firewall port of one simulated node. */
export class SimFirewall implements Firewall {
  readonly #node: NodeState;

  constructor(node: NodeState) {
    this.#node = node;
  }

  // deno-lint-ignore require-await
  async available(): Promise<{ readonly ok: boolean; readonly detail: string }> {
    return { ok: true, detail: "simulated: tables are kept, but no packet is evaluated" };
  }

  // deno-lint-ignore require-await
  async apply(ruleset: string, options: { readonly check?: boolean } = {}): Promise<void> {
    const tables = new Map(this.#node.tables);
    for (const statement of parse(ruleset)) {
      if (statement.act === "flush-all") tables.clear();
      else if (statement.act === "define") {
        const before = tables.get(statement.key);
        const body = `${before?.text ?? ""}${statement.body}`;
        tables.set(statement.key, { text: body, sets: before?.sets ?? new Map() });
      } else if (statement.act === "add") {
        if (!tables.has(statement.key)) tables.set(statement.key, { text: "", sets: new Map() });
      } else if (!tables.has(statement.key) && statement.act !== "destroy") {
        throw fault(
          "not-found",
          `Cannot ${statement.act} the table "${statement.key}": there is none`,
        );
      } else if (statement.act === "flush") {
        tables.set(statement.key, { text: "", sets: new Map() });
      } else tables.delete(statement.key);
    }
    if (options.check) return;
    this.#node.tables.clear();
    for (const [key, table] of tables) this.#node.tables.set(key, table);
  }

  // deno-lint-ignore require-await
  async table(family: FirewallFamily, name: string): Promise<string | null> {
    const table = this.#node.tables.get(`${family} ${name}`);
    return table === undefined ? null : `table ${family} ${name} {${table.text}}\n`;
  }

  // deno-lint-ignore require-await
  async deleteTable(family: FirewallFamily, name: string): Promise<void> {
    if (!this.#node.tables.delete(`${family} ${name}`)) {
      throw fault("not-found", `Cannot delete the table "${family} ${name}": there is none`);
    }
  }

  // deno-lint-ignore require-await
  async addElements(set: FirewallSet, elements: readonly FirewallElement[]): Promise<void> {
    const kept = this.#set(set);
    for (const { key, value } of elements) kept.set(hex(key), value ? hex(value) : "");
  }

  // deno-lint-ignore require-await
  async removeElements(set: FirewallSet, keys: readonly Uint8Array[]): Promise<void> {
    const kept = this.#set(set);
    const missing = keys.find((key) => !kept.has(hex(key)));
    if (missing !== undefined) {
      throw fault("not-found", `Cannot remove an element of "${set.set}": it is not there`);
    }
    for (const key of keys) kept.delete(hex(key));
  }

  #set(set: FirewallSet): Map<string, string> {
    const table = this.#node.tables.get(`${set.family} ${set.table}`);
    const declared = new RegExp(`\\b(set|map)\\s+${RegExp.escape(set.set)}\\s*\\{`);
    if (table === undefined || !declared.test(table.text)) {
      throw fault("not-found", `Cannot use the set "${set.set}" of "${set.table}": there is none`);
    }
    const kept = table.sets.get(set.set) ?? new Map<string, string>();
    table.sets.set(set.set, kept);
    return kept;
  }
}
