/** Who did it and to whom, octets each. */
export const MAX_SUBJECT_BYTES = 2_048;

/** What else is to be known, octets. */
export const MAX_DETAIL_BYTES = 8_192;

/** Links checked between two looks at other work. */
export const VERIFY_BATCH = 500;

/** Links that a signed head carries at most, octets 48 each. */
export const MAX_HEAD_LINKS = 512;

/** Links that a head carries unless more are asked for. */
export const USUAL_HEAD_LINKS = 32;

/** Nodes whose heads are remembered. */
export const MAX_HEADS = 4_096;

/** A head that is the same as the one held is noted again after so long. */
export const SEEN_AGAIN_MS = 3600 * 1000;

/** Characters of one exported line. */
export const MAX_EXPORT_LINE = 24 * 1024;
