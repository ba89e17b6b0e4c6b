// Deno's standard assertions from the npm registry, with the types that package leaves out.
// Switching to JSR means pointing "@std/assert" in deno.json there and deleting this folder.
// @ts-types="./assert.d.ts"
export * from "npm:deno-std@1.4.0/assert/mod.js";
