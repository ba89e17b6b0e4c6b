// Runs in a lab guest. The Mesh port over the real kernel: the same suite as the simulator's.
import { testMesh } from "../conformance/mesh.ts";
import { openLabMesh } from "./mesh_fixture.ts";

testMesh("core/host mesh", openLabMesh);
