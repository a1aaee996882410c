// What users, tokens and the command line did: by person and time, page by page.
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { known, type T, useT } from "../i18n";
import { Ago, Button, Empty, Fetched, inputs, Labelled, Light, Table, type Tone } from "../ui/basic";
import { OnlyOwners, SettingsPlace } from "./place";

type Act = Schemas["Act"];
const AT_ONCE = 50;
const tones: Record<Act["outcome"], Tone> = { done: "ok", refused: "warn", failed: "bad", unknown: "idle" };

/** Who did it, in words. */
export function actor(t: T, { actor: as, who, user }: Pick<Act, "actor" | "who" | "user">): string {
  if (as === "command_line") return t("acts.command_line");
  if (as === "nobody") return t("acts.nobody");
  if (as === "token") return user === null ? t("acts.token", { name: who }) : t("acts.token.of", { name: who, user });
  return who;
}

/** The whole days that are asked for, as moments where the reader is: `to` is in it. */
export function between(from: string, to: string): { since?: string; until?: string } {
  const begin = from === "" ? undefined : new Date(`${from}T00:00:00`);
  const end = to === "" ? undefined : new Date(`${to}T00:00:00`);
  end?.setDate(end.getDate() + 1);
  return { ...(begin ? { since: begin.toISOString() } : {}), ...(end ? { until: end.toISOString() } : {}) };
}

export function ActsPage() {
  return (
    <SettingsPlace title="acts.title" lead="acts.lead">
      <OnlyOwners>
        <Acts />
      </OnlyOwners>
    </SettingsPlace>
  );
}

function Acts() {
  const t = useT();
  const [who, setWho] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [outcome, setOutcome] = useState<Act["outcome"] | "">("");
  const users = useQuery({ queryKey: ["users"], queryFn: () => result(api.GET("/users")) });
  const acts = useInfiniteQuery({
    queryKey: ["acts", who, from, to, outcome],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam }) =>
      result(
        api.GET("/acts", {
          params: {
            query: {
              limit: AT_ONCE,
              ...between(from, to),
              ...(who === "" ? {} : { who }),
              ...(outcome === "" ? {} : { outcome }),
              ...(pageParam === undefined ? {} : { before: pageParam }),
            },
          },
        }),
      ),
    getNextPageParam: (page) => (page.length < AT_ONCE ? undefined : page.at(-1)?.id),
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <div className="mb-4 grid gap-3 sm:grid-cols-4">
        <Labelled label={t("acts.who")}>
          {(id) => (
            <select id={id} className={inputs} value={who} onChange={(event) => setWho(event.target.value)}>
              <option value="">{t("all")}</option>
              {(users.data ?? []).map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Labelled>
        <Labelled label={t("acts.from")}>
          {(id) => <input id={id} type="date" className={inputs} value={from} onChange={(event) => setFrom(event.target.value)} />}
        </Labelled>
        <Labelled label={t("acts.to")}>
          {(id) => <input id={id} type="date" className={inputs} value={to} onChange={(event) => setTo(event.target.value)} />}
        </Labelled>
        <Labelled label={t("acts.outcome")}>
          {(id) => (
            <select id={id} className={inputs} value={outcome} onChange={(event) => setOutcome(event.target.value as Act["outcome"] | "")}>
              <option value="">{t("all")}</option>
              {Object.keys(tones).map((one) => (
                <option key={one} value={one}>
                  {known(t, "acts.outcome", one)}
                </option>
              ))}
            </select>
          )}
        </Labelled>
      </div>
      <Fetched of={acts}>
        {({ pages }) => {
          const rows = pages.flat();
          if (rows.length === 0) return <Empty title={t("acts.none")} />;
          return (
            <div className="rounded-lg border border-line bg-card p-3">
              <Table label={t("acts.title")} heads={[t("records.when"), t("acts.who"), t("acts.what"), t("acts.thing"), t("acts.outcome")]}>
                {rows.map((row) => (
                  <tr key={row.id}>
                    <td>
                      <Ago at={row.at} />
                    </td>
                    <td className="break-words">{actor(t, row)}</td>
                    <td>{known(t, "act", row.what)}</td>
                    <td className="break-all">{row.thing}</td>
                    <td>
                      <Light tone={tones[row.outcome]}>{known(t, "acts.outcome", row.outcome)}</Light>
                      {row.code && <span className="ml-1 text-xs whitespace-nowrap text-soft">{row.code}</span>}
                    </td>
                  </tr>
                ))}
              </Table>
              {acts.hasNextPage && (
                <Button className="mt-3" busy={acts.isFetchingNextPage} onClick={() => void acts.fetchNextPage()}>
                  {t("next")}
                </Button>
              )}
            </div>
          );
        }}
      </Fetched>
    </>
  );
}
