import { expect, test } from "vitest";
import type { Status } from "../api/live";
import { openReviews, syncTone } from "./standing";

const sync = {
  name: "people",
  left: "a",
  right: "b",
  state: "running",
  why: null,
  paused_mappings: {},
  swept_left: null,
  swept_right: null,
  lag_to_left: null,
  lag_to_right: null,
  overwrite_window_left: null,
  overwrite_window_right: null,
};
const connection = (name: string, state: "ok" | "degraded" | "needs_sign_in") => ({
  name,
  system: "x",
  title: "X",
  account: { id: "1", name: "One" },
  health: { state },
  calls: { reads: 0, writes: 0, throttled: 0, failed: 0 },
  sign_in: { scheme: "s", redirect: false, fields: [] },
  redirect_uri: null,
  webhook_url: null,
  read_only: false,
});
const status = (change: Partial<Status>): Status => ({
  version: "0",
  started: "2026-01-01T00:00:00Z",
  config: { revision: 1, applied: "2026-01-01T00:00:00Z" },
  connections: [connection("a", "ok"), connection("b", "ok")],
  syncs: [sync],
  ...change,
});

test("a sync is as well as the worst that it depends on", () => {
  expect(syncTone(status({}), sync)).toBe("ok");
  expect(syncTone(status({ blocked: { people: 1 } }), sync)).toBe("warn");
  expect(syncTone(status({ failing: { b: 2 } }), sync)).toBe("warn");
  expect(syncTone(status({ connections: [connection("a", "ok"), connection("b", "needs_sign_in")] }), sync)).toBe("bad");
  expect(syncTone(status({}), { ...sync, state: "paused", why: "too many deletes" })).toBe("bad");
  expect(syncTone(status({}), { ...sync, state: "paused", why: "by a person" })).toBe("idle");
});

test("questions are counted over all syncs and kinds", () => {
  const counted = status({ reviews: { people: { conflict: 2, ambiguous: 3 }, members: { conflict: 1 } } });
  expect(openReviews(counted)).toBe(6);
  expect(openReviews(counted, "people")).toBe(5);
  expect(openReviews(counted, "none")).toBe(0);
});
