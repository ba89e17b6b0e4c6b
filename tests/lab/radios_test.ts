// Runs in a lab guest. The Radios port over real mac80211.
import { testRadios } from "../conformance/radios.ts";
import { openRadios } from "./radios/fixture.ts";

testRadios("openHostKernel() on hwsim radios", openRadios);
