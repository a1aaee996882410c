// Many questions answered at once: which ones, how, and how many that are, before anything is done.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { known, useT } from "../i18n";
import { Button, inputs, Labelled, Trouble } from "../ui/basic";
import { type Choice, choiceKind, choiceWords } from "./words";

type Review = Schemas["Review"];

/** What the API takes for a choice that differs from question to question: `link` stands for the only `link:…`. */
function choicesOf(reviews: Review[]): Choice[] {
  const found = new Map<string, Choice>();
  for (const review of reviews) {
    for (const choice of review.details.choices) {
      const kind = choiceKind(choice);
      // a value of one's own is for one record
      if (kind === "edit") continue;
      if (!found.has(kind)) found.set(kind, { ...choice, key: kind });
    }
  }
  return [...found.values()];
}

export function Bulk({ reviews, syncs, from, done }: {
  reviews: Review[];
  syncs: Schemas["SyncStatus"][];
  from: Review | undefined;
  done: (told: string) => void;
}) {
  const t = useT();
  const client = useQueryClient();
  const [sync, setSync] = useState(from?.sync ?? "");
  const [kind, setKind] = useState<Review["kind"] | "">(from?.kind ?? "");
  const [field, setField] = useState("");
  const [chosen, setChoice] = useState("");
  const meant = reviews.filter(
    (one) => (!sync || one.sync === sync) && (!kind || one.kind === kind) && (!field || one.details.mapping === field),
  );
  const fields = [...new Set(reviews.filter((one) => (!sync || one.sync === sync) && (!kind || one.kind === kind)).map((one) => one.details.mapping ?? ""))].filter(Boolean);
  const choices = choicesOf(meant);
  const choice = choices.some(({ key }) => key === chosen) ? chosen : "";
  const body = { choice, ...(sync ? { sync } : {}), ...(kind ? { kind } : {}), ...(field ? { field } : {}) };
  const ask = (dry_run: boolean) => result(api.POST("/reviews/resolve", { body: { ...body, dry_run } }));
  const narrow = sync !== "" || kind !== "" || field !== "";
  const trial = useQuery({ queryKey: ["reviews", "trial", body], queryFn: () => ask(true), enabled: choice !== "" && narrow, gcTime: 0 });
  const go = useMutation({
    mutationFn: () => ask(false),
    onSuccess: ({ answered, failed }) => {
      if (failed.length === 0) done(t("bulk.done", { n: answered }));
    },
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: ["reviews"] }), client.invalidateQueries({ queryKey: ["status"] })]),
  });
  const ends = syncs.find(({ name }) => name === sync) ?? { left: t("left"), right: t("right") };
  const kinds = [...new Set(reviews.map((review) => review.kind))];
  const count = trial.data;
  return (
    <div className="space-y-4">
      <p className="text-soft">{t("bulk.how")}</p>
      <div className="grid gap-3 sm:grid-cols-2">
        <Labelled label={t("reviews.filter.sync")}>
          {(id) => (
            <select id={id} className={inputs} value={sync} onChange={(event) => setSync(event.target.value)}>
              <option value="">{t("all")}</option>
              {syncs.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Labelled>
        <Labelled label={t("reviews.filter.kind")}>
          {(id) => (
            <select id={id} className={inputs} value={kind} onChange={(event) => (setKind(event.target.value as Review["kind"]), setField(""))}>
              <option value="">{t("all")}</option>
              {kinds.map((one) => (
                <option key={one} value={one}>
                  {known(t, "kind", one)}
                </option>
              ))}
            </select>
          )}
        </Labelled>
        {fields.length > 0 && (
          <Labelled label={t("reviews.field")}>
            {(id) => (
              <select id={id} className={inputs} value={field} onChange={(event) => setField(event.target.value)}>
                <option value="">{t("all")}</option>
                {fields.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </select>
            )}
          </Labelled>
        )}
        <Labelled label={t("bulk.answer")}>
          {(id) => (
            <select id={id} className={inputs} value={choice} onChange={(event) => setChoice(event.target.value)}>
              <option value="">–</option>
              {choices.map((one) => (
                <option key={one.key} value={one.key}>
                  {choiceWords(t, one, ends)}
                </option>
              ))}
            </select>
          )}
        </Labelled>
      </div>
      {trial.error && <Trouble error={trial.error} />}
      {go.error && <Trouble error={go.error} />}
      <output className="block min-h-6">
        {!narrow ? t("bulk.narrow") : count && choice !== "" ? t("bulk.would", { n: count.answered, all: count.matching }) : ""}
        {count && choice !== "" && count.not_offered.length > 0 ? ` ${t("bulk.not", { n: count.not_offered.length })}` : ""}
      </output>
      {go.data && go.data.failed.length > 0 && (
        <div role="alert" className="rounded-lg border border-warn bg-warn-wash px-4 py-3">
          <p>{t("bulk.failed", { n: go.data.failed.length, done: go.data.answered })}</p>
          <ul className="mt-1 list-disc pl-5">
            {go.data.failed.slice(0, 20).map(({ id, why }) => (
              <li key={id}>{why}</li>
            ))}
          </ul>
        </div>
      )}
      <Button needs="work" look="main" busy={go.isPending} disabled={!count || choice === "" || count.answered === 0} onClick={() => go.mutate()}>
        {t("bulk.go", { n: choice === "" ? 0 : (count?.answered ?? 0) })}
      </Button>
    </div>
  );
}
