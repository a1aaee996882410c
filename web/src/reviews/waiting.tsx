// Questions that are put only once another one is answered, below the one that they wait for.
import type { Schemas } from "../api/client";
import { useT } from "../i18n";
import { RecordLink } from "../syncs/page";

type Review = Schemas["Review"];

/** The record that a question is about: the connection it is of, and its id. */
function subject(review: Review, sync: Schemas["SyncStatus"] | undefined): { connection: string | undefined; record: string | undefined } {
  const side = review.details.side ?? "left";
  return { connection: sync?.[side], record: review.details.record ?? review[side] ?? undefined };
}

/** Those that wait for the answer to this one. */
export function waitingFor(review: Review, waiting: Review[], sync: Schemas["SyncStatus"] | undefined): Review[] {
  const { connection, record } = subject(review, sync);
  return waiting.filter(
    ({ sync: own, entity, kind, details }) =>
      own === review.sync && entity === review.entity && kind === review.kind && details.waits_for?.connection === connection && details.waits_for?.record === record,
  );
}

export function Waiting({ reviews, sync }: { reviews: Review[]; sync: Schemas["SyncStatus"] | undefined }) {
  const t = useT();
  if (reviews.length === 0) return null;
  return (
    <section aria-label={t("reviews.waiting", { n: reviews.length })} className="rounded-lg border border-line bg-sunk p-3">
      <h3 className="font-medium">{t("reviews.waiting", { n: reviews.length })}</h3>
      <p className="text-sm text-soft">{t("reviews.waiting.how")}</p>
      <ul className="mt-2 max-h-60 space-y-1 overflow-y-auto">
        {reviews.map((review) => {
          const { connection, record } = subject(review, sync);
          return (
            <li key={review.id} className="text-sm break-words">
              {connection && record ? <RecordLink connection={connection} entity={review.entity} id={record} /> : review.subject}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
