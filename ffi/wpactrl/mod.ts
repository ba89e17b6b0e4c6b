// hostapd and wpa_supplicant over their control sockets, and their configuration files.
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
export { ConfigValueError } from "./config_values.ts";
export { ControlError, type ControlErrorCode } from "./errors.ts";
export { type ApConfig, type ApSecurity, hostapdConfig } from "./hostapd_config.ts";
export { type ControlPaths, openControlSocket } from "./socket.ts";
export {
  type ClientConfig,
  clientConfig,
  type ClientSecurity,
  type MeshPointConfig,
  meshPointConfig,
  type SupplicantCommon,
} from "./supplicant_config.ts";
