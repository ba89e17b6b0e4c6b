// Generic netlink: families found by name. Knows no family but the controller.
export {
  type CommandOptions,
  type FamilyChange,
  findFamily,
  type Genetlink,
  GenetlinkConn,
  type GenlNotifications,
  openGenetlink,
  watchFamilies,
} from "./client.ts";
export { decodeFamily, decodeGenl, encodeGenl, type Family, type GenlMessage } from "./codec.ts";
export { FamilyMissingError, GroupMissingError } from "./errors.ts";
