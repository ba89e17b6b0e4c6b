// Which Host a request may name. A page of another site can make its name resolve to this node (DNS
// rebinding) and would then be same-origin with it; the Host header still tells that name. So only names
// that nobody else can own are answered: IP addresses, localhost, the node's own name and configured ones.

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const IPV6 = /^\[[0-9a-f:.]+(%25[\w.-]+)?\]$/;

/** Splits "name:port"; the port may be missing. Lower case, without a trailing dot. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d{1,5}$/, "").replace(/\.$/, "");
}

/**
 * Makes the check. Local names also count with ".local" (multicast DNS) and ".lan" behind them.
 *
 * @param names the node's own name and configured ones, as they are now.
 */
export function hostCheck(names: () => readonly string[]): (host: string) => boolean {
  const configured = (name: string): boolean =>
    names().some((given) => {
      const own = given.toLowerCase();
      return name === own ||
        (!own.includes(".") && (name === `${own}.local` || name === `${own}.lan`));
    });
  return (host) => {
    const name = nameOf(host);
    return name === "localhost" || IPV4.test(name) || IPV6.test(name) ||
      name.endsWith(".localhost") || configured(name);
  };
}
