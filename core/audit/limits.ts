/** Who did it and to whom, octets each. */
export const MAX_SUBJECT_BYTES = 2_048;

/** What else is to be known, octets. */
export const MAX_DETAIL_BYTES = 8_192;

/** Links checked between two looks at other work. */
export const VERIFY_BATCH = 500;
