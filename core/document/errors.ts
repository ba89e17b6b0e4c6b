/** One thing wrong with a document. */
export interface DocumentError {
  /** 1-based; 0 for a document that is not text (JSON). */
  readonly line: number;
  /** 1-based, in UTF-16 units; 0 as above. */
  readonly column: number;
  /** Key path as in TOML, e.g. "radios[0].channel"; "" for the document as a whole. */
  readonly key: string;
  /** What would be right there. */
  readonly expected: string;
  /** What is there, shortened; never a secret. */
  readonly found: string;
  /** A key or word that may have been meant, or `null`. */
  readonly suggestion: string | null;
  /** The whole as one sentence. */
  readonly message: string;
}

/** Makes an error with its sentence. */
export function documentError(fields: Omit<DocumentError, "message">): DocumentError {
  const at = fields.line === 0 ? "" : `line ${fields.line}, column ${fields.column}: `;
  const key = fields.key === "" ? "" : `${fields.key}: `;
  const hint = fields.suggestion === null ? "" : `; did you mean ${fields.suggestion}?`;
  return {
    ...fields,
    message: `${at}${key}expected ${fields.expected}, found ${fields.found}${hint}`,
  };
}
