// This trust domain's bundle: the intermediates and token keys of all members that count, and the authority's
// post-quantum keys. Its number grows when what it says changes, and never falls, also not over a restart.
import { hashOf } from "../pq/mod.ts";
import { suiteOf } from "../identity/mod.ts";
import type { Bundle } from "./bundle.ts";
import type { Changes } from "./changes.ts";
import { akpJwk, type Jwk } from "./jwk.ts";
import { BUNDLE_REFRESH_HINT_S, OWN_BUNDLE_FRESH_MS } from "./limits.ts";
import type { Members, MeshView } from "./members.ts";
import type { OwnBundleTable } from "./ports.ts";

/** Makes the own bundle. */
export class OwnBundle {
  readonly #mesh: MeshView;
  readonly #members: Members;
  readonly #table: OwnBundleTable;
  readonly #changes: Changes;
  /** Whoever asks often costs little: judging a thousand members takes milliseconds. */
  #last: { readonly bundle: Bundle; readonly atMs: number; readonly seen: number } | null = null;

  /** @param changes after each, the bundle is made anew. */
  constructor(mesh: MeshView, members: Members, table: OwnBundleTable, changes: Changes) {
    this.#mesh = mesh;
    this.#members = members;
    this.#table = table;
    this.#changes = changes;
  }

  /** The bundle now. @throws {IdentityError} "rollback" while revocations are missing. */
  at(nowMs: number): Bundle {
    const seen = this.#changes.count;
    const last = this.#last;
    const fresh = last !== null && last.seen === seen && nowMs >= last.atMs &&
      nowMs - last.atMs < OWN_BUNDLE_FRESH_MS;
    if (fresh) return last.bundle;
    const bundle = this.#make(nowMs);
    this.#last = { bundle, atMs: nowMs, seen };
    return bundle;
  }

  #make(nowMs: number): Bundle {
    const usable = this.#members.usable(nowMs);
    const intermediates = new Map(usable.map(({ intermediate }) => [
      intermediate.fingerprint,
      intermediate.der,
    ]));
    const jwt = new Map<string, Jwk>(usable.map((one) => [one.jwt.kid ?? "", one.jwt]));
    const { current } = this.#mesh.chain;
    const algorithm = suiteOf(current).postQuantumSignature;
    const postQuantum = current.keys.map((key) => akpJwk(algorithm, key.postQuantum));
    const contents = [...intermediates.keys(), ...jwt.keys(), ...postQuantum.map((key) => key.kid)];
    return {
      trustDomain: this.#mesh.trustDomain,
      x509Authorities: inOrder(intermediates),
      jwtAuthorities: inOrder(jwt),
      postQuantum,
      sequence: this.#sequence(contents.sort().join("\n"), nowMs),
      refreshHintS: BUNDLE_REFRESH_HINT_S,
    };
  }

  #sequence(contents: string, nowMs: number): number {
    const digest = hashOf(new TextEncoder().encode(contents)).toHex();
    const last = this.#table.get();
    if (last !== null && last.digest === digest) return last.sequence;
    // Seconds at least: a node that lost its database goes on above what others saw.
    const sequence = Math.max((last?.sequence ?? 0) + 1, Math.floor(nowMs / 1000));
    this.#table.put({ sequence, digest });
    return sequence;
  }
}

function inOrder<T>(map: ReadonlyMap<string, T>): readonly T[] {
  return [...map].sort(([a], [b]) => a < b ? -1 : 1).map(([, value]) => value);
}
