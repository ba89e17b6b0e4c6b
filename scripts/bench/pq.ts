// Operations a second of both backends of core/pq, by processor time, so that a busy machine counts less.
// The peer is OpenSSL's own benchmark where it has the primitive, else the other backend.
import process from "node:process";
import { type Backend, nobleBackend, webcryptoBackend } from "../../core/pq/mod.ts";
import { type BenchOutcome, type BenchRow, rowOf } from "../lib/bench.ts";

const BATCHES = 9;
/** Processor time of a batch, roughly. */
const BATCH_MS = 60;
/** As large as what a handshake seals. */
const SEALED_BYTES = 3_400;

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Operations a second of processor time, a sample a batch. */
async function opsOf(run: () => Promise<unknown>): Promise<number[]> {
  let count = 1;
  for (;;) {
    const before = cpuMs();
    for (let each = 0; each < count; each++) await run();
    if (cpuMs() - before > BATCH_MS / 4) break;
    count *= 2;
  }
  count *= 4;
  const samples: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const before = cpuMs();
    for (let each = 0; each < count; each++) await run();
    samples.push(count * 1000 / (cpuMs() - before));
  }
  return samples;
}

/** Everything a backend does, by name. */
async function operations(backend: Backend): Promise<Map<string, number[]>> {
  const out = new Map<string, number[]>();
  const measure = async (name: string, run: () => Promise<unknown>) => {
    out.set(name, await opsOf(run));
  };
  const [seed64, seed32, message] = [random(64), random(32), random(48)];
  for (const kem of ["ML-KEM-768", "ML-KEM-1024"] as const) {
    const pair = await backend.kemKeyPair(kem, seed64);
    const { ciphertext } = await backend.encapsulate(kem, pair.encapsulationKey);
    await measure(`${kem} key pair`, () => backend.kemKeyPair(kem, seed64));
    await measure(`${kem} encapsulate`, () => backend.encapsulate(kem, pair.encapsulationKey));
    await measure(`${kem} decapsulate`, () => pair.decapsulate(ciphertext));
  }
  for (const algorithm of ["ML-DSA-65", "ML-DSA-87", "Ed25519"] as const) {
    const signer = await backend.signer(algorithm, seed32);
    const signature = await signer.sign(message);
    await measure(`${algorithm} key pair`, () => backend.signer(algorithm, seed32));
    await measure(`${algorithm} sign`, () => signer.sign(message));
    await measure(
      `${algorithm} verify`,
      () => backend.verify(algorithm, signer.publicKey, message, signature),
    );
  }
  const agreement = await backend.agreementKeyPair(seed32);
  await measure("X25519 key pair", () => backend.agreementKeyPair(seed32));
  await measure("X25519 agree", () => agreement.agree(agreement.publicKey));
  const [nonce, plaintext] = [new Uint8Array(12), random(SEALED_BYTES)];
  const sealed = await backend.seal(seed32, nonce, message, plaintext);
  await measure("ChaCha20-Poly1305 seal", () => backend.seal(seed32, nonce, message, plaintext));
  await measure("ChaCha20-Poly1305 open", () => backend.open(seed32, nonce, message, sealed));
  return out;
}

/** What `openssl speed` says of one algorithm: numbers of a "+F…" line. */
async function openssl(algorithm: string): Promise<number[]> {
  const args = ["speed", "-mr", "-seconds", "1", algorithm];
  const { stdout } = await new Deno.Command("openssl", { args, stderr: "null" }).output();
  const line = new TextDecoder().decode(stdout).split("\n").find((one) => /^\+F\d/.test(one));
  return (line ?? "").split(":").slice(3).map(Number).filter((value) => !Number.isNaN(value));
}

/** Both backends over the same operations. */
export async function bench(): Promise<BenchOutcome> {
  const native = await operations(webcryptoBackend(crypto.subtle));
  const portable = await operations(nobleBackend(random));
  const [signPerS, verifyPerS] = await openssl("ed25519");
  const [agreePerS] = await openssl("ecdhx25519");
  const theirs: Readonly<Record<string, number | undefined>> = {
    "Ed25519 sign": signPerS,
    "Ed25519 verify": verifyPerS,
    "X25519 agree": agreePerS,
  };
  const rows: BenchRow[] = [];
  for (const [name, samples] of native) {
    const other = theirs[name];
    const peer = other === undefined
      ? { name: "noble in the same run", samples: portable.get(name) ?? [] }
      : { name: "openssl speed", samples: [other] };
    rows.push(rowOf(`${name}, webcrypto`, "a second of CPU", samples, peer));
  }
  for (const [name, samples] of portable) {
    rows.push(rowOf(`${name}, noble`, "a second of CPU", samples));
  }
  return {
    name: "pq",
    method:
      "Operations a second of this process' processor time, threads of the runtime included; " +
      "webcrypto's import their keys each time, as handshakes do. OpenSSL 3.0 has no ML-KEM and no ML-DSA",
    rows,
    raw: {
      webcrypto: Object.fromEntries(native),
      noble: Object.fromEntries(portable),
      openssl: theirs,
    },
  };
}
