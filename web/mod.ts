// The node's HTTP face: API, metrics, server-sent events and the web page. The daemon makes the app
// with createApp() and serves its fetch() on TCP and on the unix socket. Opens no socket itself.
export { type AppDependencies, createApp, type WebApp } from "./app.ts";
export type { ConfigService } from "./api/config.ts";
export type { Connection, Remote } from "./connection.ts";
