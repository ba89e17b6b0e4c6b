// Shell completion, generated from the commands themselves.
import type { Command } from "commander";

/** Shells completion can be generated for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number];

interface Word {
  /** Commands typed so far, joined by a space; empty at the top. */
  readonly path: string;
  readonly words: readonly { readonly name: string; readonly description: string }[];
}

function wordsOf(command: Command, path: readonly string[], inherited: Word["words"]): Word[] {
  const options = command.options.map((option) => ({
    name: option.long ?? option.short ?? "",
    description: option.description,
  }));
  const shared = [...inherited, ...options];
  const own = {
    path: path.join(" "),
    words: [
      ...command.commands.map((child) => ({
        name: child.name(),
        description: child.description(),
      })),
      ...shared,
      { name: "--help", description: "how to use it" },
    ],
  };
  return [
    own,
    ...command.commands.flatMap((child) => wordsOf(child, [...path, child.name()], shared)),
  ];
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

function bash(name: string, table: readonly Word[]): string {
  const cases = table.map(({ path, words }) =>
    `    ${quoted(path)}) words=${quoted(words.map((word) => word.name).join(" "))} ;;`
  );
  return [
    `_${name}() {`,
    '  local word path="" words=""',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    [[ $word == -* ]] || path="${path:+$path }$word"',
    "  done",
    '  case "$path" in',
    ...cases,
    "  esac",
    '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")',
    "}",
    `complete -o default -F _${name} ${name}`,
  ].join("\n");
}

function zsh(name: string, table: readonly Word[]): string {
  return [
    `#compdef ${name}`,
    "autoload -U +X bashcompinit && bashcompinit",
    // zsh has no mapfile: its arrays are filled from the output's words.
    bash(name, table).replace(
      'mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")',
      'COMPREPLY=( $(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}") )',
    ),
  ].join("\n");
}

function fish(name: string, table: readonly Word[]): string {
  const lines = [`complete -c ${name} -f`];
  for (const { path, words } of table) {
    const parts = path === "" ? [] : path.split(" ");
    const condition = parts.length === 0
      ? "__fish_use_subcommand"
      : parts.map((part) => `__fish_seen_subcommand_from ${part}`).join("; and ");
    for (const { name: word, description } of words) {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      if (word.startsWith("-") && !word.startsWith("--")) continue;
      lines.push(`complete -c ${name} -n ${quoted(condition)} ${what} -d ${quoted(description)}`);
    }
  }
  return lines.join("\n");
}

/** The completion script for `program` in the given shell. */
export function completionScript(program: Command, shell: Shell): string {
  const table = wordsOf(program, [], []);
  const make = { bash, zsh, fish }[shell];
  return `${make(program.name(), table)}\n`;
}
