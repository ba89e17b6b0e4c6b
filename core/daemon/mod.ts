// The daemon: what main.ts starts for `run` and `demo`, and the client side's terminal and transport.
export { createLogger, type LogFormat, type Logger } from "./log.ts";
export { dataPaths, defaultDataDirectory } from "./paths.ts";
export { runDaemon } from "./run.ts";
export { type Daemon, startDaemon } from "./start.ts";
export { parseRunOptions, type RawRunOptions, type RunOptions } from "./run_options.ts";
export { processTerminal } from "./terminal.ts";
export { unixTransport } from "./transport.ts";
export { VERSION } from "./version.ts";
