/** A document longer than this is refused before it is parsed. */
export const MAX_DOCUMENT_BYTES = 256 * 1024;

/** Errors reported of one document; the rest is counted in a last one. */
export const MAX_REPORTED_ERRORS = 100;

/** Characters of a wrong value that an error shows. */
export const MAX_SHOWN_CHARACTERS = 40;

/** Edits between a wrong and a right word beyond which nothing is suggested. */
export const MAX_SUGGESTION_DISTANCE = 4;
