// Tables for a terminal: aligned columns, one space between, no colours, no wrapping.

/** A column: its title, how to get the cell, and whether it holds numbers. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly right?: boolean;
}

// Made when a table is first shown: the daemon shows none, and making one costs as much as a module.
let segmenter: Intl.Segmenter | null = null;

/** Graphemes of a text, which is what a terminal shows one after another. */
function width(text: string): number {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  let count = 0;
  for (const _ of segmenter.segment(text)) count++;
  return count;
}

/** Rows as lines, the first of which names the columns. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => column.cell(row))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => width(line[i] ?? ""))));
  return cells.map((line) =>
    line.map((cell, i) => {
      const pad = " ".repeat((widths[i] ?? 0) - width(cell));
      return columns[i]?.right ? pad + cell : cell + pad;
    }).join("  ").trimEnd()
  ).join("\n");
}
