// The page of trust: which mesh this node belongs to, who is connected how, under which rules. Complete
// without JavaScript, but for making an invite, which is a secret and is made only when somebody asks.
import type { JSX } from "hono/jsx/jsx-runtime";
import type { AuditVerdict } from "../../core/audit/mod.ts";
import type { MembershipStatus, MemberStatus, RequestView } from "../../core/membership/mod.ts";
import type { NodeIdentity } from "../../core/node/mod.ts";
import type { PolicyView, SecurityStatus } from "../../core/security/mod.ts";
import { MAX_PAGE_ROWS } from "../limits.ts";
import { ASSETS } from "./assets.ts";
import { documentOf, Live, SimulatedBanner } from "./frame.tsx";
import { bytes, duration, UNKNOWN, utc } from "./format.ts";

/** All the page shows. */
export interface TrustFacts {
  readonly identity: NodeIdentity;
  readonly membership: MembershipStatus;
  readonly requests: readonly RequestView[];
  readonly status: SecurityStatus;
  /** `null` while the node is in no mesh. */
  readonly policy: PolicyView | null;
  readonly audit: AuditVerdict;
  readonly nowMs: number;
  /** Whether this connection may change the node. */
  readonly writable: boolean;
}

function credentialWords({ credential, missing, revoked }: MemberStatus): string {
  if (revoked) return "revoked: other members refuse this node";
  if (missing !== null) return "not usable: older state than was seen before";
  if (credential.state === null) return "times are not judged: the clock is not set";
  return `${credential.state}, until ${utc(credential.notAfterMs)}`;
}

function Membership({ membership }: TrustFacts): JSX.Element {
  const { member, join, problem } = membership;
  return (
    <section id="membership" class="card wide" aria-labelledby="membership-title">
      <h2 id="membership-title">Membership</h2>
      {problem === null ? null : <p class="banner failed">{problem}</p>}
      {join === null ? null : (
        <p class="banner pending">
          Joining {join.mesh}: {join.state === "waiting" ? "waits for approval" : "asks"}.{" "}
          {join.lastError}
        </p>
      )}
      {member === null
        ? (
          <p class="empty">
            This node belongs to no mesh. On the node: <code>mesh create NAME</code> or{" "}
            <code>mesh join INVITE</code>.
          </p>
        )
        : (
          <dl>
            {[
              ["Mesh", member.mesh],
              ["Identity", member.spiffeId],
              ["Overlay address", member.overlayAddress],
              ["Roles", member.roles.join(", ")],
              ["Credential", credentialWords(member)],
              [
                "Authority",
                `version ${member.authority.version}, ${member.authority.threshold} of ` +
                `${member.authority.keys} keys sign; here: ${member.authority.here.open} open, ` +
                `${member.authority.here.sealed} sealed`,
              ],
              ["Revoked nodes", String(member.revocations.count)],
            ].map(([name = "", value = ""]) => (
              <div data-key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        )}
    </section>
  );
}

const PSK_WORDS = { none: "none", random: "random", agreed: "agreed" } as const;

function Peers({ status: { tunnels, denied } }: TrustFacts): JSX.Element {
  const peers = tunnels?.peers ?? [];
  return (
    <section id="tunnels" class="card wide" aria-labelledby="tunnels-title">
      <h2 id="tunnels-title">Tunnels</h2>
      {tunnels?.firewallError === null || tunnels === null ? null : (
        <p class="banner failed">
          Nothing outside of tunnels is dropped: {tunnels.firewallError}
        </p>
      )}
      {peers.length === 0
        ? (
          <p class="empty">
            {tunnels === null
              ? "No tunnels run."
              : tunnels.mode === "on-demand"
              ? "No tunnel is in use: they come up on demand."
              : "No other member is known yet."}
          </p>
        )
        : (
          <div class="scroll" tabindex={0} role="group" aria-labelledby="tunnels-title">
            <table>
              <thead>
                <tr>
                  <th scope="col">Node</th>
                  <th scope="col">State</th>
                  <th scope="col">Key</th>
                  <th scope="col" class="number">Age of the key</th>
                  <th scope="col" class="number">Received</th>
                  <th scope="col" class="number">Sent</th>
                  <th scope="col">Last error</th>
                </tr>
              </thead>
              <tbody>
                {peers.slice(0, MAX_PAGE_ROWS).map((peer) => (
                  <tr data-key={peer.nodeId}>
                    <th scope="row" class="mono">{peer.nodeId}</th>
                    <td>{peer.state}</td>
                    <td>{PSK_WORDS[peer.psk.kind]}</td>
                    <td class="number">
                      {peer.psk.ageS === null ? UNKNOWN : duration(peer.psk.ageS * 1000)}
                    </td>
                    <td class="number">{bytes(peer.rxBytes)}</td>
                    <td class="number">{bytes(peer.txBytes)}</td>
                    <td>{peer.lastError?.code ?? UNKNOWN}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      {denied === null ? null : (
        <p class="detail">
          Denied by the policy: {denied.arriving} packets to this node, {denied.passing} through it.
        </p>
      )}
    </section>
  );
}

function Requests({ requests }: TrustFacts): JSX.Element | null {
  const waiting = requests.filter(({ state }) => state === "pending");
  if (waiting.length === 0) return null;
  return (
    <section id="requests" class="card wide" aria-labelledby="requests-title">
      <h2 id="requests-title">Waiting for approval</h2>
      <ul>
        {waiting.slice(0, MAX_PAGE_ROWS).map(({ id, nodeId, name, kind }) => (
          <li data-key={id}>
            <span class="mono">{nodeId}</span>, which calls itself “{name}” ({kind}). On the node:
            {" "}
            <code>mesh approve {id}</code>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Rules({ policy, audit, membership }: TrustFacts): JSX.Element {
  return (
    <section id="rules" class="card wide" aria-labelledby="rules-title">
      <h2 id="rules-title">Policy and audit log</h2>
      {policy === null
        ? (
          <p class="empty">
            {membership.member === null
              ? "No policy: this node is in no mesh."
              : "The parts of trust are starting."}
          </p>
        )
        : (
          <>
            {policy.problem === null ? null : <p class="banner failed">{policy.problem}</p>}
            <p>
              {policy.signed
                ? `Policy ${policy.version}, signed by the authority.`
                : "The authority has signed no policy yet; the program's own holds."}
            </p>
            <ul>
              {[...policy.rules, ...policy.base.map(({ rule }) => rule)].map((rule) => (
                <li data-key={rule}>{rule}</li>
              ))}
            </ul>
          </>
        )}
      <p class={audit.sound ? "detail" : "banner failed"}>
        {audit.sound
          ? `The audit log is sound: ${audit.head.count} entries.`
          : `The audit log does not hold from entry ${audit.brokenAt} on: ${audit.why}.`}
      </p>
    </section>
  );
}

/** The whole document. */
export function renderTrust(facts: TrustFacts): string {
  const { identity, membership, writable, nowMs } = facts;
  return documentOf({
    title: `Trust · ${identity.name} · x0tta6bl4`,
    identity,
    scripts: [ASSETS.invite.url],
    header: (
      <header>
        <div class="brand">
          <a href="/">x0tta6bl4</a>
        </div>
        <h1>Trust on {identity.name}</h1>
        <Live />
      </header>
    ),
    main: (
      <>
        <div id="banners">
          <SimulatedBanner identity={identity} />
        </div>
        <Membership {...facts} />
        <Requests {...facts} />
        <Peers {...facts} />
        <Rules {...facts} />
      </>
    ),
    after: (
      <>
        <aside aria-label="Invite">
          {membership.member !== null && writable
            ? <button type="button" id="invite">Make an invite for one node</button>
            : (
              <p class="detail">
                Invites are made on the node itself: <code>mesh invite</code>.
              </p>
            )}
          <div id="invite-result" role="status"></div>
        </aside>
        <footer>
          <p>
            As of <time id="taken">{utc(nowMs)}</time>.
          </p>
        </footer>
      </>
    ),
  });
}
