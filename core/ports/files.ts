/** Files of the node's data directory and a few of the system's. Paths are absolute. */
export interface Files {
  /** @throws {FileError} */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** UTF-8 text, or `null` when there is no such file. @throws {FileError} */
  readText(path: string): Promise<string | null>;
  /**
   * Replaces the whole file or leaves the old one: written beside it, fsynced, renamed, directory fsynced.
   *
   * @param mode permission bits, default 0o600.
   * @throws {FileError} "no-space", "read-only", …; the old content is intact.
   */
  writeAtomic(path: string, data: Uint8Array | string, mode?: number): Promise<void>;
  /**
   * Makes a file that must not exist, whole or not at all: written beside it, fsynced, given its name,
   * directory fsynced. What bears the name already is never touched.
   *
   * @param mode permission bits, default 0o600.
   * @throws {FileError} "exists", "no-space", "read-only", …
   */
  writeNew(path: string, data: Uint8Array | string, mode?: number): Promise<void>;
  /** Removes a file; no error when there is none. */
  remove(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  makeDirectory(path: string, mode?: number): Promise<void>;
  /** Names in a directory, sorted; empty when there is none. */
  list(path: string): Promise<readonly string[]>;
  stat(path: string): Promise<FileStat | null>;
  /** Space of the file system that holds `path`, or `null` where it cannot be told. */
  space(path: string): Promise<{ readonly totalBytes: number; readonly freeBytes: number } | null>;
}

/** What is known of a file. */
export interface FileStat {
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly modifiedMs: number;
  readonly directory: boolean;
}
