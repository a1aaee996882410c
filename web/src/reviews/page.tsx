// The inbox: one question at a time, everything that decides it side by side, answered by one key.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { useStatus } from "../api/live";
import { known, useT } from "../i18n";
import { Ago, Button, Card, Empty, Fetched, inputs, Labelled, Light, names, Page, Trouble } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { Bulk } from "./bulk";
import { type Answer, Question } from "./question";
import { waitingFor } from "./waiting";

type Review = Schemas["Review"];
type Rule = NonNullable<Review["always"]>;

const SHOWN = 200;
const route = getRouteApi("/inside/reviews");

const intoView = (element: HTMLElement | null): void => element?.scrollIntoView({ block: "nearest" });

export function ReviewsPage() {
  const t = useT();
  const { sync } = route.useSearch();
  const reviews = useQuery({
    queryKey: ["reviews", sync],
    queryFn: () => result(api.GET("/reviews", { params: { query: { limit: SHOWN, ...(sync ? { sync } : {}) } } })),
    meta: { live: true },
  });
  const waiting = useQuery({
    queryKey: ["reviews", "waiting", sync],
    queryFn: () => result(api.GET("/reviews", { params: { query: { state: "waiting", limit: 1000, ...(sync ? { sync } : {}) } } })),
    meta: { live: true },
  });
  return (
    <Page title={t("nav.reviews")} lead={t("reviews.lead")}>
      <Fetched
        of={reviews}
      >
        {(found) =>
          found.length === 0 ? <Empty title={t("reviews.none")}>{t("reviews.none.more")}</Empty> : <Inbox reviews={found} waiting={waiting.data ?? []} />
        }
      </Fetched>
    </Page>
  );
}

function Inbox({ reviews, waiting }: { reviews: Review[]; waiting: Review[] }) {
  const t = useT();
  const { sync, id } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const status = useStatus();
  const [kind, setKind] = useState("");
  const [told, setTold] = useState("");
  const [rule, setRule] = useState<Rule>();
  const [many, setMany] = useState(false);
  const shown = useMemo(() => reviews.filter((review) => !kind || review.kind === kind), [reviews, kind]);
  const at = Math.max(
    0,
    shown.findIndex((review) => review.id === id),
  );
  const current = shown[at];

  const answer = useMutation({
    mutationFn: async ({ ids, choice, always, value }: Answer) => {
      let made: Rule | undefined;
      for (const one of ids) {
        const review = await result(api.POST("/reviews/{id}/resolve", { params: { path: { id: one } }, body: { choice: choice.key, always, ...(value === undefined ? {} : { value }) } }));
        made = review.always;
      }
      return made;
    },
    onSuccess: (made, { choice }) => {
      const next = shown[at + 1] ?? shown[at - 1];
      setTold(t("reviews.answered", { what: choice.does }));
      setRule(made);
      void navigate({ search: { sync, id: next?.id }, replace: true });
    },
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: ["reviews"] }), client.invalidateQueries({ queryKey: ["config"] })]),
  });

  const go = (to: number) => {
    const review = shown[to];
    if (review) void navigate({ search: { sync, id: review.id }, replace: true });
  };
  const pending = answer.isPending;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea, dialog")) return;
      if (event.key === "ArrowDown" || event.key === "j") go(at + 1);
      else if (event.key === "ArrowUp" || event.key === "k") go(at - 1);
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  });

  const kinds = [...new Set(reviews.map((review) => review.kind))];
  const syncs = status.data?.syncs ?? [];
  const open = Object.values(status.data?.reviews ?? {}).flatMap((one) => Object.values(one));
  const more = open.reduce((all, one) => all + one, 0) - reviews.length;
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-end gap-3">
        <Labelled label={t("reviews.filter.sync")}>
          {(field) => (
            <select
              id={field}
              className={inputs}
              value={sync ?? ""}
              onChange={(event) => void navigate({ search: { sync: event.target.value || undefined, id: undefined } })}
            >
              <option value="">{t("all")}</option>
              {syncs.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Labelled>
        <Labelled label={t("reviews.filter.kind")}>
          {(field) => (
            <select id={field} className={inputs} value={kind} onChange={(event) => setKind(event.target.value)}>
              <option value="">{t("all")}</option>
              {kinds.map((one) => (
                <option key={one} value={one}>
                  {known(t, "kind", one)}
                </option>
              ))}
            </select>
          )}
        </Labelled>
        <Button needs="work" onClick={() => setMany(true)}>{t("bulk.open")}</Button>
        <p className="hidden pb-2 text-sm text-soft md:block">{t("reviews.keys")}</p>
      </div>
      <Dialog title={t("bulk.title")} open={many} close={() => setMany(false)}>
        <Bulk
          reviews={reviews}
          syncs={syncs}
          from={current}
          done={(words) => {
            setTold(words);
            setMany(false);
          }}
        />
      </Dialog>
      <output className="sr-only">{told}</output>
      {rule && <Ruled rule={rule} away={() => setRule(undefined)} />}
      {answer.error && <Trouble error={answer.error} />}
      <div className="grid gap-4 lg:grid-cols-[20rem_minmax(0,1fr)]">
        <nav aria-label={t("reviews.list")} className="order-2 min-w-0 lg:order-1">
          <ul className="max-h-[70dvh] overflow-y-auto rounded-lg border border-line bg-card">
            {shown.map((review) => (
              <li key={review.id} className="border-b border-line last:border-0">
                <button
                  type="button"
                  aria-current={review === current}
                  ref={review === current ? intoView : undefined}
                  onClick={() => go(shown.indexOf(review))}
                  className={names(
                    "block w-full px-3 py-2 text-left focus-visible:outline-offset-[-2px]",
                    review === current ? "bg-accent-wash" : "hover:bg-sunk",
                  )}
                >
                  <span className="flex items-center justify-between gap-2">
                    <span className="font-medium">{known(t, "kind", review.kind)}</span>
                    <span className="text-xs text-soft">
                      <Ago at={review.opened} />
                    </span>
                  </span>
                  <span className="block truncate text-sm text-soft">
                    {review.sync} · {review.details.mapping ?? known(t, "entity", review.entity)} · {review.left ?? review.right ?? ""}
                  </span>
                  <Behind n={waitingFor(review, waiting, syncs.find(({ name }) => name === review.sync)).length} />
                </button>
              </li>
            ))}
          </ul>
          {sync === undefined && more > 0 && <p className="mt-2 text-sm text-soft">{t("reviews.more", { n: more })}</p>}
        </nav>
        <div className="order-1 min-w-0 lg:order-2">
          {current && (
            <Card
              title={known(t, "kind", current.kind)}
              actions={
                <span className="flex flex-wrap items-center gap-2 text-sm text-soft">
                  <Light tone="idle">{current.sync}</Light>
                  {known(t, "entity", current.entity)}
                </span>
              }
            >
              <Question
                key={current.id}
                review={current}
                sync={syncs.find(({ name }) => name === current.sync)}
                alike={reviews.filter(
                  (other) =>
                    other.kind === current.kind &&
                    ["conflict", "lossy"].includes(current.kind) &&
                    other.sync === current.sync &&
                    other.details.mapping === current.details.mapping,
                )}
                busy={pending}
                answer={answer.mutate}
                waiting={waitingFor(current, waiting, syncs.find(({ name }) => name === current.sync))}
              />
            </Card>
          )}
        </div>
      </div>
    </div>
  );
}


/** How many wait behind a question. */
function Behind({ n }: { n: number }) {
  const t = useT();
  if (n === 0) return null;
  return <span className="mt-1 inline-block rounded-full bg-sunk px-2 text-xs text-soft">{t("reviews.waiting", { n })}</span>;
}

/** What an answer that became a rule changed, or what has to be written where. */
function Ruled({ rule, away }: { rule: Rule; away: () => void }) {
  const t = useT();
  return (
    <output className="block rounded-lg border border-ok bg-ok-wash px-4 py-3">
      <p className="font-medium">{rule.revision !== null ? t("reviews.ruled", { n: rule.revision }) : t("reviews.ruled.file", { file: rule.file ?? "", line: rule.line })}</p>
      <pre className="my-2 overflow-x-auto text-sm">{rule.lines.join("\n")}</pre>
      {(rule.answered ?? 0) > 0 && <p>{t("bulk.done", { n: rule.answered ?? 0 })}</p>}
      <Button className="mt-2" onClick={away}>
        {t("close")}
      </Button>
    </output>
  );
}
