// What policy keeps in the database. Implemented by core/store.

/** The second place where the highest policy version is kept, so that a restored file is noticed. */
export interface PolicyVersions {
  /** @param mesh hash of the mesh, hexadecimal. @returns `null` when none was ever seen. */
  read(mesh: string): number | null;
  /** On the disk when it returns. Never lowers a version. */
  raise(mesh: string, version: number): void;
}
