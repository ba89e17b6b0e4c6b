// The daemon's API as the commands use it: JSON in and out, problems (RFC 9457) turned into CliError.
import { CliError, EXIT, type ExitCode } from "./exit_codes.ts";
import type { ApiAnswer, ApiTransport } from "./terminal.ts";

/** An API problem as the daemon words it. */
interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
  readonly hint?: string;
  readonly errors?: readonly { readonly message?: string }[];
}

const BY_STATUS: Readonly<Record<number, ExitCode>> = {
  400: EXIT.usage,
  401: EXIT.notPermitted,
  403: EXIT.notPermitted,
  409: EXIT.busy,
  422: EXIT.invalidConfig,
};

const LASTING: ReadonlySet<string> = new Set([
  "wrong-mesh",
  "not-yet-valid",
  "revoked",
  "wrong-node",
  "token-unknown",
  "not-enrolled",
  "enrolled",
  "no-authority",
  "rollback",
]);

function problemOf(answer: ApiAnswer): CliError {
  let problem: Problem = {};
  try {
    problem = JSON.parse(answer.body);
  } catch {
    // Not JSON: the status line is all there is.
  }
  const listed = (problem.errors ?? []).map((error) => `  ${error.message ?? ""}`);
  const summary = problem.detail ?? problem.title ??
    `The daemon answered with status ${answer.status}`;
  // Not busy, but as things are: waiting won't help.
  const lasting = answer.status === 409 && LASTING.has(problem.code ?? "");
  const message = listed.length === 0
    ? summary
    : [`${problem.title ?? "Refused"}:`, ...listed].join("\n");
  const status = lasting ? EXIT.failed : BY_STATUS[answer.status] ?? EXIT.failed;
  return new CliError(status, message, problem.hint ?? null);
}

/** Calls the API below /api/v1. */
export class ApiClient {
  readonly #transport: ApiTransport;

  constructor(transport: ApiTransport) {
    this.#transport = transport;
  }

  /** @throws {CliError} the daemon's own explanation, with the exit status that fits. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.#transport.request(method, `/api/v1${path}`, body);
    if (answer.status >= 400) throw problemOf(answer);
    return (answer.body === "" ? undefined : JSON.parse(answer.body)) as T;
  }

  /** Shorthand for GET. */
  get<T>(path: string): Promise<T> {
    return this.call<T>("GET", path);
  }

  /** A list of the API: what is under "items". */
  async list<Row>(path: string): Promise<readonly Row[]> {
    return (await this.get<{ readonly items: readonly Row[] }>(path)).items;
  }

  /** The body of an answer that is no JSON. */
  async text(path: string): Promise<string> {
    const answer = await this.#transport.request("GET", `/api/v1${path}`);
    if (answer.status >= 400) throw problemOf(answer);
    return answer.body;
  }

  /** Any path of the daemon, with its status: /health answers 503 with a body worth reading. */
  raw(path: string): Promise<ApiAnswer> {
    return this.#transport.request("GET", path);
  }

  /** Lines of a streamed answer. */
  lines(method: string, path: string, body: unknown, signal: AbortSignal): AsyncIterable<string> {
    return this.#transport.lines(method, `/api/v1${path}`, body, signal);
  }
}
