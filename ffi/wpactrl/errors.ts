// Errors of the control sockets. No message carries a command's arguments: they may be secrets.

/** Why a control request failed. */
export type ControlErrorCode =
  | "refused" // the program answered FAIL
  | "unknown-command" // this version of the program cannot
  | "timeout" // no answer in time
  | "malformed" // an answer that does not read as it must
  | "closed"; // closed by us while waiting

/** A request to hostapd or wpa_supplicant failed. */
export class ControlError extends Error {
  readonly code: ControlErrorCode;
  readonly retryable: boolean;
  /** First word of the command. */
  readonly verb: string;

  constructor(code: ControlErrorCode, verb: string, said: string) {
    super(`Cannot run control command "${verb}": ${said}`);
    this.name = "ControlError";
    this.code = code;
    this.verb = verb;
    this.retryable = code === "timeout";
  }
}
