// The generic netlink controller: numbers and attributes as data.
// linux v6.12 include/uapi/linux/genetlink.h.
import { list, table } from "../netlink/mod.ts";

/** Message type of the controller's own family, "nlctrl". */
export const GENL_ID_CTRL = 0x10;

/** The controller's group that announces families as they come and go. */
export const CTRL_GROUP = "notify";

/** Commands of the controller. */
export const CTRL_CMD = Object.freeze({
  NEWFAMILY: 1,
  DELFAMILY: 2,
  GETFAMILY: 3,
  NEWMCAST_GRP: 7,
  DELMCAST_GRP: 8,
});

/** CTRL_ATTR_MCAST_GRP_*. */
export const GROUP = table({
  name: [1, "string"],
  id: [2, "u32"],
});

/** CTRL_ATTR_OP_*. */
export const OPERATION = table({
  id: [1, "u32"],
  flags: [2, "u32"],
});

/** CTRL_ATTR_*. */
export const CTRL = table({
  familyId: [1, "u16"],
  familyName: [2, "string"],
  version: [3, "u32"],
  headerBytes: [4, "u32"],
  maxAttribute: [5, "u32"],
  operations: [6, list(OPERATION)],
  groups: [7, list(GROUP)],
});
