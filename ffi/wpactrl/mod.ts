// hostapd and wpa_supplicant over their control sockets. Deliberately absent: their configuration files,
// which core/config writes.
export {
  type ChannelSwitch,
  type ControlSocket,
  type OpenControlSocket,
  WpaControl,
} from "./client.ts";
export {
  type ControlEvent,
  type ControlStation,
  type ControlStatus,
  type Fields,
  isEvent,
  parseEvent,
  parseFields,
  parseStation,
  parseStatus,
  unescapeSsid,
} from "./codec.ts";
export { ControlError, type ControlErrorCode } from "./errors.ts";
export { type ControlPaths, openControlSocket } from "./socket.ts";
