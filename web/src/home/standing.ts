// What the status means: which light a sync or a connection gets, and what needs a person.
import type { Schemas } from "../api/client";
import type { Status } from "../api/live";
import type { Tone } from "../ui/basic";

type Sync = Schemas["SyncStatus"];
type Connection = Schemas["Connection"];

const sum = (counts: Record<string, number> | undefined): number =>
  Object.values(counts ?? {}).reduce((all, one) => all + one, 0);

/** Open questions, of one sync or of all. */
export function openReviews(status: Status, sync?: string): number {
  const reviews = status.reviews ?? {};
  if (sync !== undefined) return sum(reviews[sync]);
  return Object.values(reviews).reduce((all, one) => all + sum(one), 0);
}

/** Records of a connection that wait to be worked on. */
export function waitingOn(status: Status, connection: string): number {
  return sum(status.dirty?.[connection]);
}

export function connectionTone(connection: Connection): Tone {
  if (connection.account === null) return "idle";
  switch (connection.health.state) {
    case "ok":
      return "ok";
    case "degraded":
      return "warn";
    case "stopped":
      return "idle";
    default:
      return "bad";
  }
}

/** How a connection is, as the key of a word. Nobody signs in again who never did. */
export function connectionWord(connection: Connection): string {
  return connection.account === null ? "never" : connection.health.state;
}

/** The light of a sync: what stands still is bad, what needs a look is a warning. */
export function syncTone(status: Status, sync: Sync): Tone {
  const ends = (status.connections ?? []).filter(({ name }) => name === sync.left || name === sync.right);
  if (sync.state === "not ready" || ends.some((end) => connectionTone(end) === "bad")) return "bad";
  if (sync.state === "paused") return sync.why === "by a person" ? "idle" : "bad";
  if (sync.state === "new") return "idle";
  const failing = (status.failing?.[sync.left] ?? 0) + (status.failing?.[sync.right] ?? 0);
  const halting = failing + (status.blocked?.[sync.name] ?? 0) + Object.keys(sync.paused_mappings).length;
  return halting > 0 || ends.some((end) => connectionTone(end) === "warn") ? "warn" : "ok";
}

/** When a sync last listed both sides whole. */
export function lastLooked(sync: Sync): string | undefined {
  const { swept_left, swept_right } = sync;
  if (!swept_left || !swept_right) return undefined;
  return swept_left < swept_right ? swept_left : swept_right;
}

/** What webhooks told of in time, out of all that was noticed: the rest was found by looking. */
export function foundBySweep(status: Status, sync: string): number {
  return status.meters?.[`${sync}:found_by_sweep`] ?? 0;
}

/** A meter of a sync. */
export function meter(status: Status, sync: string, name: string): number {
  return status.meters?.[`${sync}:${name}`] ?? 0;
}
