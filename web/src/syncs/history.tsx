// The rules that were in force: what is different between two of them, and going back.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, result } from "../api/client";
import { useSpeech, useT } from "../i18n";
import { Ago, Button, Card, Fetched, inputs, Labelled, Light, Trouble } from "../ui/basic";
import { Changes } from "../ui/changes";
import { Dialog } from "../ui/dialog";
import { rulesOf, withRulesOf } from "./rules";

/** So many revisions are shown at first. */
const FEW = 6;

function useRevisions() {
  return useQuery({ queryKey: ["config", "revisions"], queryFn: () => result(api.GET("/config/revisions")), meta: { live: true } });
}

/** The text of a revision, which never changes. */
function useText(revision: number | undefined) {
  return useQuery({
    queryKey: ["revision", revision],
    enabled: revision !== undefined,
    queryFn: async () => (await result(api.GET("/config/revisions/{revision}", { params: { path: { revision: revision ?? 0 } } }))).document,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function History({ sync }: { sync: string }) {
  const t = useT();
  const revisions = useRevisions();
  return (
    <Card title={t("rules.title")}>
      <Fetched of={revisions} rows={1}>
        {(found) => <Revisions sync={sync} numbers={found} />}
      </Fetched>
    </Card>
  );
}

function Revisions({ sync, numbers }: { sync: string; numbers: { revision: number; applied: string }[] }) {
  const { t, language } = useSpeech();
  const [all, setAll] = useState(false);
  const [from, setFrom] = useState<number>();
  const [to, setTo] = useState<number>();
  const [back, setBack] = useState<number>();
  const [told, setTold] = useState("");
  const now = numbers[0]?.revision;
  const [older, newer] = [from ?? numbers[1]?.revision ?? now, to ?? now];
  const option = (number: number) => (
    <option key={number} value={number}>
      {t("rules.revision", { n: number })}
    </option>
  );
  return (
    <>
      <div className="grid gap-5 lg:grid-cols-[18rem_minmax(0,1fr)]">
        <div>
          <ul className="max-h-96 divide-y divide-line overflow-y-auto">
            {numbers.slice(0, all ? undefined : FEW).map(({ revision, applied }) => (
              <li key={revision} className="flex flex-wrap items-center gap-2 py-2 first:pt-0 last:pb-0">
                <span className="grow">
                  <b>{t("rules.revision", { n: revision })}</b>
                  <span className="block text-sm text-soft" title={new Date(applied).toLocaleString(language)}>
                    <Ago at={applied} />
                  </span>
                </span>
                {revision === now ? (
                  <Light tone="ok">{t("flow.inforce")}</Light>
                ) : (
                  <Button needs="config" aria-label={t("rules.back.to", { n: revision })} onClick={() => setBack(revision)}>
                    {t("flow.back")} …
                  </Button>
                )}
              </li>
            ))}
          </ul>
          {!all && numbers.length > FEW && (
            <Button className="mt-2" onClick={() => setAll(true)}>
              {t("rules.all", { n: numbers.length })}
            </Button>
          )}
        </div>
        <div className="min-w-0 space-y-3">
          <div className="grid gap-3 sm:grid-cols-2">
            <Labelled label={t("flow.diff.from")}>
              {(id) => (
                <select id={id} className={inputs} value={older} onChange={(event) => setFrom(Number(event.target.value))}>
                  {numbers.map(({ revision }) => option(revision))}
                </select>
              )}
            </Labelled>
            <Labelled label={t("flow.diff.to")}>
              {(id) => (
                <select id={id} className={inputs} value={newer} onChange={(event) => setTo(Number(event.target.value))}>
                  {numbers.map(({ revision }) => option(revision))}
                </select>
              )}
            </Labelled>
          </div>
          <Between sync={sync} from={older} to={newer} />
        </div>
      </div>
      <output className="block">{told && <Light tone="ok">{told}</Light>}</output>
      <Dialog title={t("rules.back.to", { n: back ?? 0 })} open={back !== undefined} close={() => setBack(undefined)} wide>
        {back !== undefined && now !== undefined && (
          <Back
            sync={sync}
            to={back}
            now={now}
            done={(revision) => {
              setBack(undefined);
              setFrom(undefined);
              setTo(undefined);
              setTold(t("rules.back.done", { n: revision }));
            }}
          />
        )}
      </Dialog>
    </>
  );
}

/** What is different in the rules of the sync, or in the whole config. */
function Between({ sync, from, to }: { sync: string; from: number | undefined; to: number | undefined }) {
  const t = useT();
  const [whole, setWhole] = useState(false);
  const [before, after] = [useText(from), useText(to)];
  const cut = (text: string) => (whole ? text : (rulesOf(text, sync) ?? ""));
  return (
    <>
      <label className="flex items-center gap-2">
        <input type="checkbox" className="size-4" checked={whole} onChange={(event) => setWhole(event.target.checked)} />
        {t("rules.whole")}
      </label>
      <Fetched of={before} rows={1}>
        {(old) => (
          <Fetched of={after} rows={1}>
            {(fresh) => <Changes before={cut(old)} after={cut(fresh)} label={t("flow.diff")} />}
          </Fetched>
        )}
      </Fetched>
    </>
  );
}

/** What going back changes; nothing is done before it is said. */
function Back({ sync, to, now, done }: { sync: string; to: number; now: number; done: (revision: number) => void }) {
  const t = useT();
  const client = useQueryClient();
  const [whole, setWhole] = useState(false);
  const [current, wanted] = [useText(now), useText(to)];
  const spliced = current.data !== undefined && wanted.data !== undefined ? withRulesOf(current.data, wanted.data, sync) : undefined;
  const all = whole || (wanted.data !== undefined && spliced === undefined);
  const next = all ? wanted.data : spliced;
  const apply = useMutation({
    mutationFn: () =>
      all
        ? result(api.POST("/config/revisions/{revision}/apply", { params: { path: { revision: to } } }))
        : result(api.PUT("/config", { body: next ?? "", bodySerializer: (body) => body, headers: { "content-type": "text/plain" } })),
    onSuccess: async ({ revision }) => {
      await Promise.all(["config", "status"].map((key) => client.invalidateQueries({ queryKey: [key] })));
      done(revision ?? 0);
    },
  });
  return (
    <div className="space-y-4">
      {spliced !== undefined && (
        <fieldset className="space-y-1.5">
          <legend className="mb-1 text-sm font-medium">{t("rules.back.what")}</legend>
          {[false, true].map((value) => (
            <label key={String(value)} className="flex items-center gap-2">
              <input type="radio" name="extent" className="size-4" checked={whole === value} onChange={() => setWhole(value)} />
              {value ? t("rules.back.whole") : t("rules.back.sync", { name: sync })}
            </label>
          ))}
        </fieldset>
      )}
      {wanted.data !== undefined && spliced === undefined && <p className="text-warn">{t("rules.back.template")}</p>}
      <Fetched of={{ ...current, data: next === undefined ? undefined : current.data }} rows={1}>
        {(text) => <Changes before={text} after={next ?? ""} label={t("flow.diff")} />}
      </Fetched>
      <p className="text-soft">{t("rules.back.how")}</p>
      {apply.error && <Trouble error={apply.error} />}
      <Button look="main" busy={apply.isPending} disabled={next === undefined || next === current.data} onClick={() => apply.mutate()}>
        {t("rules.back.go")}
      </Button>
    </div>
  );
}
