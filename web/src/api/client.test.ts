import { expect, test } from "vitest";
import { eventOf } from "./client";

test("an event is told apart from a comment, and its lines are one text", () => {
  expect(eventOf(": keep-alive")).toBeUndefined();
  expect(eventOf('event: progress\ndata: {"done":\ndata: 3}')).toEqual({ name: "progress", data: { done: 3 } });
});
