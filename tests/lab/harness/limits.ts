// Named bounds of the lab.

/** Kernel series the lab is built for; another one fails the build. */
export const KERNEL_SERIES = "6.12";
/** Bytes reserved for the guest's root image; the file is sparse. */
export const ROOT_IMAGE_MIB = 1024;
/** Default memory of a guest. */
export const GUEST_MEM_MIB = 1024;
/** Default limit for one guest, from power on to power off. */
export const GUEST_TIMEOUT_S = 600;
/** After `timeout` asked QEMU to end, how long until it is killed. */
export const KILL_AFTER_S = 5;
/** Guests that may run at the same time on this machine's lab directory. */
export const GUEST_SLOTS_MAX = 2;
/** Lines of console output shown when a guest dies without a result. */
export const CONSOLE_TAIL_LINES = 60;
/** Run directories and images older than this are removed by the next build or run. */
export const KEEP_MS = 24 * 3600 * 1000;
/** Bytes of a failed command's output quoted in an error. */
export const OUTPUT_TAIL_CHARS = 2000;
/** How long a script sent into a guest may take, boot included. */
export const REMOTE_COMMAND_S = 120;
/** How long one run of the program may take that leaves it compiled. */
export const COMPILE_S = 30;
/** Boots of a guest whose kernel panics before anything of the run began. */
export const BOOTS_MAX = 3;
/** How often the host looks for the result of a script it sent. */
export const REMOTE_POLL_MS = 50;
/** Nodes, first forwarded port and longest life of a mesh to try things out. */
export const UP_NODES = 3;
export const UP_PORT = 8080;
export const UP_TIMEOUT_S = 12 * 3600;
