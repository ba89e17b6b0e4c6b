import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { KernelFault, type KernelFaultCode } from "../ports/mod.ts";
import { ERRNO, SyscallError } from "../../ffi/sys/mod.ts";
import { DecodeError, KernelError, NetlinkTimeout } from "../../ffi/netlink/mod.ts";
import { FamilyMissingError, GroupMissingError } from "../../ffi/genetlink/mod.ts";
import { faultCode, faulting, toFault } from "./errors.ts";

const rows: readonly { name: string; thrown: Error; code: KernelFaultCode; retryable: boolean }[] =
  [
    {
      name: "a refusal for lack of privileges",
      thrown: new KernelError("change link", ERRNO.EPERM, "EPERM", {}, 1),
      code: "not-permitted",
      retryable: false,
    },
    {
      name: "a busy device",
      thrown: new KernelError("scan", ERRNO.EBUSY, "EBUSY", {}, 1),
      code: "busy",
      retryable: true,
    },
    {
      name: "lost datagrams",
      thrown: new SyscallError("receive", ERRNO.ENOBUFS),
      code: "busy",
      retryable: true,
    },
    {
      name: "a device that is gone",
      thrown: new SyscallError("bind", ERRNO.ENODEV),
      code: "no-such-link",
      retryable: false,
    },
    {
      name: "a family this kernel lacks",
      thrown: new FamilyMissingError("batadv"),
      code: "not-supported",
      retryable: false,
    },
    {
      name: "a group this kernel lacks",
      thrown: new GroupMissingError("batadv", "config"),
      code: "not-supported",
      retryable: false,
    },
    { name: "no answer", thrown: new NetlinkTimeout("x"), code: "timeout", retryable: true },
    {
      name: "octets that make no sense",
      thrown: new DecodeError("x", 0, 4, 1),
      code: "unexpected",
      retryable: false,
    },
    {
      name: "an errno nobody expects",
      thrown: new KernelError("x", 4_000, "errno 4000", {}, 1),
      code: "unexpected",
      retryable: false,
    },
  ];

for (const { name, thrown, code, retryable } of rows) {
  Deno.test(`toFault() turns ${name} into "${code}", message and cause kept`, () => {
    const fault = toFault(thrown);
    if (!(fault instanceof KernelFault)) throw new Error("no KernelFault");
    assertEquals([fault.code, fault.retryable, fault.message], [code, retryable, thrown.message]);
    assertStrictEquals(fault.cause, thrown);
  });
}

Deno.test("toFault() returns what is no binding's error as it is", () => {
  const fault = new KernelFault("invalid", "x");
  const bug = new TypeError("x");
  assertStrictEquals(toFault(fault), fault);
  assertStrictEquals(toFault(bug), bug);
  assertStrictEquals(toFault("text"), "text");
});

Deno.test("faultCode() has a code for every errno", () => {
  assertEquals(faultCode(ERRNO.ENETUNREACH), "unreachable");
  assertEquals(faultCode(0), "unexpected");
});

Deno.test("faulting() rejects with KernelFault for synchronous and asynchronous errors", async () => {
  const refusal = new KernelError("x", ERRNO.EEXIST, "EEXIST", {}, 1);
  await assertRejects(
    () =>
      faulting(() => {
        throw refusal;
      }),
    KernelFault,
  );
  await assertRejects(() => faulting(() => Promise.reject(refusal)), KernelFault);
  assertEquals(await faulting(() => 5), 5);
});
