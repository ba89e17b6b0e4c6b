/** Where a command writes. The real one is the process's own; tests collect. */
export interface Terminal {
  /** Results: nothing else goes here, so that scripts can parse it. */
  out(text: string): void;
  /** Messages for a person. */
  err(text: string): void;
  /** Whole standard input, for "-" as a file name. */
  readInput(): Promise<string>;
  /** A file named on the command line. @throws {FileError} */
  readFile(path: string): Promise<string>;
  /** Whether a person looks at `out`. */
  readonly interactive: boolean;
  /** Width of the terminal in characters; 80 when unknown. */
  readonly columns: number;
  /** Fires on ctrl-C. */
  readonly interrupted: AbortSignal;
}

/** One answer of the daemon's API. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** How a command reaches the daemon: HTTP over its unix socket. */
export interface ApiTransport {
  /** @throws {CliError} "noDaemon" when nobody answers. */
  request(method: string, path: string, body?: unknown): Promise<ApiAnswer>;
  /** Lines of a streamed answer as they come, until it ends or `signal` fires. */
  lines(method: string, path: string, body: unknown, signal: AbortSignal): AsyncIterable<string>;
}
