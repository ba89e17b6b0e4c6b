/** Sealed part of a message: a credential of several authority keys, category 5, and two signatures. */
export const MAX_SEALED_BYTES = 65_000;

/** A frame on the wire: the largest message and its length. */
export const MAX_FRAME_BYTES = 66_000;
