// The one error of the lab's harness: a step could not be done, and why.

/** A step of building or running the lab failed; the message is meant for a person. */
export class LabError extends Error {
  override readonly name = "LabError";
}
