/** Randomness. The real one is cryptographic; the simulator's is seeded. */
export interface Random {
  /** `length` random octets, fresh. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
  /** A number in [0, 1). */
  unit(): number;
}
