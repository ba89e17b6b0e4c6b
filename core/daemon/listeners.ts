// The TCP servers as the configuration wants them: at start a failure ends the daemon, later it is told in
// health, and the servers that stay are not disturbed.
import { messageOf } from "../base/mod.ts";
import type { Config } from "../config/mod.ts";
import type { HealthCheck } from "../node/mod.ts";
import type { WebApp } from "../../web/mod.ts";
import { formatListen, type ListenAddress, parseListen } from "./listen.ts";
import { type Served, type ServeError, serveTcp } from "./serve.ts";

/** The TCP servers of one daemon. */
export class Listeners {
  readonly #app: WebApp;
  /** From the command line; then the configuration does not matter. */
  readonly #fixed: readonly ListenAddress[] | null;
  readonly #onError: ServeError;
  readonly #servers = new Map<string, Served>();
  #failures: readonly string[] = [];

  constructor(app: WebApp, fixed: readonly ListenAddress[] | null, onError: ServeError) {
    this.#app = app;
    this.#fixed = fixed;
    this.#onError = onError;
  }

  /** Opens all. @throws {CliError} when one cannot be had; none is open then. */
  start(config: Config): void {
    try {
      for (const address of this.#wanted(config)) this.#open(address);
    } catch (thrown) {
      void this.close();
      throw thrown;
    }
  }

  /** Opens and closes what a new configuration changes. Never rejects. @returns whether anything did. */
  async follow(config: Config): Promise<boolean> {
    const wanted = new Map(this.#wanted(config).map((one) => [formatListen(one), one]));
    const failures: string[] = [];
    let changed = false;
    for (const [name, server] of [...this.#servers]) {
      if (wanted.has(name)) continue;
      this.#servers.delete(name);
      changed = true;
      // Not waited for: the request that changed the configuration may be on this very server.
      void server.close().catch(this.#onError);
    }
    // A port may be taken over from an address that was just closed.
    await Promise.resolve();
    for (const [name, address] of wanted) {
      if (this.#servers.has(name)) continue;
      try {
        this.#open(address);
        changed = true;
      } catch (thrown) {
        failures.push(messageOf(thrown));
      }
    }
    this.#failures = failures;
    return changed;
  }

  #wanted(config: Config): readonly ListenAddress[] {
    return this.#fixed ?? config.api.listen.map(parseListen);
  }

  #open(address: ListenAddress): void {
    this.#servers.set(formatListen(address), serveTcp(this.#app, address, this.#onError));
  }

  /** "http://127.0.0.1:8080" of each. */
  get urls(): readonly string[] {
    return [...this.#servers.values()].map(({ name }) => name);
  }

  /** Whether all is served that is wanted. */
  checks(): readonly HealthCheck[] {
    const name = "api";
    if (this.#failures.length > 0) {
      return [{ name, state: "failed", reason: this.#failures.join("; ") }];
    }
    return [{
      name,
      state: "ok",
      reason: `Served on ${this.urls.join(", ") || "the socket alone"}`,
    }];
  }

  /** Closes all, after the answers under way. */
  async close(): Promise<void> {
    const servers = [...this.#servers.values()];
    this.#servers.clear();
    await Promise.all(servers.map((server) => server.close()));
  }
}
