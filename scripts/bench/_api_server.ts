// One of the servers that the API benchmark compares, in a process of its own.
// Arguments: app | deno | node, number of originators. Prints its port.
import { createServer } from "node:http";
import { hostClock } from "../../core/host/mod.ts";
import { fixtureConfig } from "../../tests/fixtures/config.ts";
import { fixtureNode } from "../../tests/fixtures/node.ts";
import { createApp } from "../../web/mod.ts";

const PATH = "/api/v1/mesh/originators";
const HOST = "127.0.0.1";

if (import.meta.main) {
  const [kind = "app", originators = "200"] = Deno.args;
  const clock = hostClock();
  const node = fixtureNode({ originators: Number(originators), neighbours: 8 });
  const app = createApp({ node, clock, config: await fixtureConfig(clock) });
  const remote = { transport: "unix" };
  const request = new Request(`http://${HOST}${PATH}`, { headers: { host: HOST } });
  const body = await (await app.fetch(request, { remote })).text();
  const told = (port: number): void => console.log(port);
  const options = { port: 0, hostname: HOST, onListen: ({ port }: { port: number }) => told(port) };
  if (kind === "app") {
    Deno.serve(options, (request, info) =>
      app.fetch(request, {
        get remote() {
          return info.remoteAddr;
        },
      }));
  } else if (kind === "deno") {
    const headers = { "content-type": "application/json" };
    Deno.serve(options, () => new Response(body, { headers }));
  } else {
    const server = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(body);
    });
    server.listen(0, HOST, () => {
      const address = server.address();
      if (typeof address === "object" && address !== null) told(address.port);
    });
  }
}
