// Ping, traceroute and throughput of the Mesh port, over ffi/batadv.
import {
  type Batadv,
  type EchoResult,
  IcmpSession,
  openIcmpFrames,
  type TpOutcome,
  type TpResult,
} from "../../ffi/batadv/mod.ts";
import type { Mac } from "../base/mod.ts";
import { KernelFault, type KernelFaultCode } from "../ports/mod.ts";
import type { Clock, MeshHop, MeshPingReply, Random, ThroughputResult } from "../ports/mod.ts";

/** After a throughput test's own time, how long its result may take: the kernel gives a peer 10 s. */
const THROUGHPUT_GRACE_MS = 20_000;

/** What a probe needs. */
export interface ProbeContext {
  readonly batadv: Batadv;
  readonly clock: Clock;
  readonly random: Random;
  readonly netns: string | undefined;
  readonly mesh: string;
  readonly meshIfindex: number;
}

function unreachable(act: string, context: ProbeContext, by: Mac | null, to: Mac): KernelFault {
  const where = by === null ? `"${context.mesh}" has no route` : `${by} has no route`;
  return new KernelFault("unreachable", `Cannot ${act} "${to}": ${where}`);
}

async function openSession(act: string, context: ProbeContext, to: Mac): Promise<IcmpSession> {
  const [uid = 0, high = 0, low = 0] = context.random.bytes(3);
  const place = context.netns === undefined ? {} : { netns: context.netns };
  const session = await IcmpSession.open({
    routes: context.batadv,
    openFrames: (ifindex, id) => openIcmpFrames(ifindex, id, place),
    monotonicMs: () => context.clock.monotonicMs(),
    uid,
    firstSeq: high << 8 | low,
  }, context.meshIfindex);
  if (session === null) throw unreachable(act, context, null, to);
  return session;
}

function pingFault(context: ProbeContext, to: Mac, result: EchoResult, timeoutMs: number) {
  switch (result.outcome) {
    case "unreachable":
      return unreachable("ping", context, result.originator, to);
    case "cancelled":
      return new KernelFault("cancelled", `Cannot ping "${to}": cancelled`);
    case "timeout":
      return new KernelFault("timeout", `Cannot ping "${to}": no answer in ${timeoutMs} ms`);
    default:
      return new KernelFault("unreachable", `Cannot ping "${to}": answered "${result.outcome}"`);
  }
}

/** One echo request. @throws {KernelFault} */
export async function ping(
  context: ProbeContext,
  to: Mac,
  options: { readonly timeoutMs: number },
): Promise<MeshPingReply> {
  using session = await openSession("ping", context, to);
  const result = await session.echo(to, options);
  if (result.outcome !== "reply") throw pingFault(context, to, result, options.timeoutMs);
  return { originator: result.originator, rttMs: result.rttMs, ttl: result.ttl };
}

/** Hops in order as they answer. @throws {KernelFault} */
export async function* traceroute(
  context: ProbeContext,
  to: Mac,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): AsyncGenerator<MeshHop, void, void> {
  using session = await openSession("trace", context, to);
  for await (const hop of session.traceroute(to, options)) {
    if (hop.unreachable) throw unreachable("trace", context, hop.originator, to);
    const { originator, rttsMs, reached } = hop;
    yield { hop: hop.hop, originator, rttsMs, reached };
  }
  if (options.signal?.aborted) {
    throw new KernelFault("cancelled", `Cannot trace "${to}": cancelled`);
  }
}

const TP_CODES: Readonly<Record<TpOutcome, KernelFaultCode>> = {
  complete: "unexpected",
  cancelled: "cancelled",
  destinationUnreachable: "unreachable",
  resendLimit: "unreachable",
  alreadyOngoing: "busy",
  outOfMemory: "busy",
  cannotSend: "unreachable",
  tooManySessions: "busy",
  unknown: "unexpected",
};

function throughputResult(to: Mac, result: TpResult): ThroughputResult {
  if (result.outcome !== "complete" || result.throughputKbps === null) {
    const said = result.outcome === "unknown" ? `reason ${result.reason}` : result.outcome;
    throw new KernelFault(
      TP_CODES[result.outcome],
      `Cannot measure throughput to "${to}": kernel answers ${said}`,
    );
  }
  return {
    originator: result.destination,
    durationMs: result.testTimeMs,
    bytes: Number(result.bytes),
    kbps: result.throughputKbps,
  };
}

/** The kernel's throughput meter. @throws {KernelFault} */
export async function throughput(
  context: ProbeContext,
  to: Mac,
  options: { readonly durationMs: number; readonly signal?: AbortSignal },
): Promise<ThroughputResult> {
  const { durationMs, signal } = options;
  const finished = new AbortController();
  const giveUp = new AbortController();
  const watchdog = context.clock.sleep(durationMs + THROUGHPUT_GRACE_MS, finished.signal)
    .then(() => giveUp.abort());
  try {
    const result = await context.batadv.throughput(context.meshIfindex, to, {
      testTimeMs: durationMs,
      giveUp: giveUp.signal,
      ...(signal === undefined ? {} : { signal }),
    });
    return throughputResult(to, result);
  } finally {
    finished.abort();
    await watchdog;
  }
}
