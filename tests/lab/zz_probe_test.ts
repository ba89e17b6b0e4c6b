import { openGenetlink } from "../../ffi/genetlink/mod.ts";
import { encodeAttributes } from "../../ffi/netlink/mod.ts";
import { attributeTable, COMMAND } from "../../ffi/nl80211/spec.ts";
import { openNl80211 } from "../../ffi/nl80211/mod.ts";
const hex = (b: Uint8Array) => b.toHex();
async function sh(cmd: string) {
  const { stdout, stderr } = await new Deno.Command("bash", { args: ["-c", cmd] }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}
Deno.test("probe", async () => {
  let log = "";
  const run = async (c: string) => {
    log += `$ ${c}\n${await sh(c)}\n`;
  };
  await run(
    "modprobe mac80211_hwsim radios=4; sleep 1; iw dev; iw phy phy0 info; iw reg get; ls /sys/kernel/debug/ieee80211",
  );
  await run(
    "for i in 0 1; do iw dev wlan$i set type mp; ip link set wlan$i up; iw dev wlan$i mesh join labmesh freq 2412 HT20; done; sleep 3; ping -c3 -I wlan0 ff02::1%wlan0 -q; iw dev; iw dev wlan0 station dump; iw dev wlan0 survey dump; iw dev wlan0 get mesh_param; iw dev wlan0 mesh_param dump; iw reg set DE; sleep 1; iw reg get",
  );
  await run(
    "cat > /tmp/h.conf <<X\ninterface=wlan2\ndriver=nl80211\nssid=ap \u00e9\nhw_mode=g\nchannel=6\nieee80211n=1\nwpa=2\nwpa_key_mgmt=SAE\nrsn_pairwise=CCMP\nieee80211w=2\nsae_password=12345678\nX\nhostapd -B -t /tmp/h.conf; sleep 1; ip link set wlan3 up; iw dev wlan3 scan; hostapd -v; wpa_supplicant -v",
  );
  await Deno.writeTextFile("/out/probe.txt", log);
  using genl = await openGenetlink("nl80211");
  const out: Record<string, string[]> = {};
  const dump = async (name: string, cmd: number, v: object, d = true) => {
    const r = await genl.command(name, cmd, encodeAttributes(attributeTable, v), { dump: d });
    out[name] = r.map((m) => hex(m.payload));
  };
  await dump("wiphy", COMMAND.getWiphy, { splitWiphyDump: true });
  await dump("interface", COMMAND.getInterface, {});
  await dump("station", COMMAND.getStation, { ifindex: 3 });
  const i = Number((await sh("cat /sys/class/net/wlan0/ifindex")).trim());
  const i3 = Number((await sh("cat /sys/class/net/wlan3/ifindex")).trim());
  await dump("station", COMMAND.getStation, { ifindex: i });
  await dump("survey", COMMAND.getSurvey, { ifindex: i });
  await dump("mesh", COMMAND.getMeshConfig, { ifindex: i }, false);
  await dump("reg", COMMAND.getReg, {});
  await dump("scan", COMMAND.getScan, { ifindex: i3 });
  await Deno.writeTextFile("/out/raw.json", JSON.stringify(out, null, 1));
  using c = await openNl80211();
  const all = {
    w: await c.wiphys(),
    i: await c.interfaces(),
    s: await c.stations(i),
    sv: await c.survey(i),
    m: await c.meshConfig(i),
    r: await c.regDomains(),
    sc: await c.scanResults(i3),
  };
  await Deno.writeTextFile(
    "/out/decoded.json",
    JSON.stringify(
      all,
      (_, v) => typeof v === "bigint" ? String(v) : v instanceof Uint8Array ? v.toHex() : v,
      1,
    ),
  );
  await sh("pkill hostapd");
});
