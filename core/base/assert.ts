import { InvariantError } from "./errors.ts";

/**
 * States what must hold if our own code is right. A failure is a bug of ours, never bad input.
 *
 * @throws {InvariantError} when `condition` is false.
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/**
 * Marks a branch that the type checker has proved impossible.
 *
 * @throws {InvariantError} when reached all the same.
 */
export function unreachable(value: never): never {
  throw new InvariantError(`Unreachable value: ${JSON.stringify(value)}`);
}
