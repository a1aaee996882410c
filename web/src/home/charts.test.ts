import { expect, test } from "vitest";
import { allowed, inSlots } from "./charts";

const point = (minute: number) => ({ at: new Date(minute * 60_000).toISOString(), written: 1, told: 0, found: 0, errors: 0, calls: {} });

const limit = (requests: number, per_ms: number, of: string | null) => ({ requests, per_ms, of, used: 0 });

test("every point is in one bar, the last one now, however many there are", () => {
  const few = inSlots([point(0), point(10)], 300_000, 4);
  expect(few.slots.map((slot) => slot.length)).toEqual([0, 1, 0, 1]);
  expect(few.span).toBe(300_000);
  const many = inSlots(Array.from({ length: 9 }, (_, at) => point(at * 5)), 300_000, 4);
  expect(many.slots.flat()).toHaveLength(9);
  expect(many.slots.at(-1)).toHaveLength(3);
});

test("the tightest limit on all requests counts", () => {
  const connection = { budget: [limit(100, 10_000, null), limit(200_000, 86_400_000, null), limit(1, 60_000, "write")] };
  expect(allowed(connection as Parameters<typeof allowed>[0], 300_000)).toBeCloseTo(694.4, 1);
  expect(allowed({ budget: [] } as unknown as Parameters<typeof allowed>[0], 300_000)).toBeUndefined();
});
