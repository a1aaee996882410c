// The log of calls to vendors, newest first.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { api, result } from "../api/client";
import { useStatus } from "../api/live";
import { span, useSpeech } from "../i18n";
import { Ago, Button, Empty, Fetched, inputs, Labelled, Light, Page, Table, type Tone } from "../ui/basic";

const route = getRouteApi("/inside/calls");
const AT_ONCE = 100;
const outcomes = ["answered", "throttled", "refused", "failed", "not_sent", "unknown"];

function tone(outcome: string): Tone {
  if (outcome === "answered") return "ok";
  return outcome === "throttled" ? "warn" : "bad";
}

export function CallsPage() {
  const { t, language } = useSpeech();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const status = useStatus();
  const [operation, setOperation] = useState("");
  const [outcome, setOutcome] = useState("");
  const [limit, setLimit] = useState(AT_ONCE);
  const calls = useQuery({
    queryKey: ["calls", search, operation, outcome, limit],
    queryFn: () =>
      result(
        api.GET("/calls", {
          params: {
            query: {
              limit,
              ...(search.connection ? { connection: search.connection } : {}),
              ...(search.cause ? { cause: search.cause } : {}),
              ...(operation ? { operation } : {}),
              ...(outcome ? { outcome } : {}),
            },
          },
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
  return (
    <Page title={t("nav.calls")} lead={t("calls.lead")}>
      <div className="mb-4 grid gap-3 sm:grid-cols-4">
        <Labelled label={t("records.connection")}>
          {(id) => (
            <select
              id={id}
              className={inputs}
              value={search.connection ?? ""}
              onChange={(event) => void navigate({ search: { ...search, connection: event.target.value || undefined } })}
            >
              <option value="">{t("all")}</option>
              {(status.data?.connections ?? []).map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Labelled>
        <Labelled label={t("calls.operation")}>
          {(id) => (
            <input id={id} type="search" className={inputs} value={operation} onChange={(event) => setOperation(event.target.value)} />
          )}
        </Labelled>
        <Labelled label={t("calls.outcome")}>
          {(id) => (
            <select id={id} className={inputs} value={outcome} onChange={(event) => setOutcome(event.target.value)}>
              <option value="">{t("all")}</option>
              {outcomes.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          )}
        </Labelled>
        <Labelled label={t("calls.cause")}>
          {(id) => (
            <input
              id={id}
              type="search"
              className={inputs}
              value={search.cause ?? ""}
              onChange={(event) => void navigate({ search: { ...search, cause: event.target.value || undefined }, replace: true })}
            />
          )}
        </Labelled>
      </div>
      <Fetched of={calls}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title={t("calls.none")} />
          ) : (
            <div className="rounded-lg border border-line bg-card p-3">
              <Table
                label={t("nav.calls")}
                heads={[
                  t("records.when"),
                  t("records.connection"),
                  t("catalog.operations"),
                  t("calls.outcome"),
                  t("calls.status"),
                  { key: t("calls.took"), end: true },
                  { key: t("calls.records"), end: true },
                  t("calls.cause"),
                ]}
              >
                {rows.map((row, at) => (
                  // two calls may be alike in everything; the list is only ever replaced whole
                  // oxlint-disable-next-line react/no-array-index-key
                  <tr key={`${row.at}${at}`}>
                    <td>
                      <Ago at={row.at} />
                    </td>
                    <td>{row.connection}</td>
                    <td>
                      <span className="whitespace-nowrap">{row.operation}</span>
                      <span className="block text-xs text-soft">
                        {row.write ? t("calls.write") : t("calls.read")} · {row.lane}
                        {row.attempt > 1 ? ` · ${t("calls.attempt", { n: row.attempt })}` : ""}
                      </span>
                    </td>
                    <td>
                      <Light tone={tone(row.outcome)}>{row.outcome.replaceAll("_", " ")}</Light>
                    </td>
                    <td className="tabular-nums">{row.status ?? "–"}</td>
                    <td className="text-right whitespace-nowrap tabular-nums">{span(language, row.milliseconds)}</td>
                    <td className="text-right tabular-nums">{row.records}</td>
                    <td>
                      {row.cause && (
                        <button
                          type="button"
                          title={row.cause}
                          className="text-accent underline"
                          onClick={() => void navigate({ search: { ...search, cause: row.cause ?? undefined } })}
                        >
                          …{row.cause.slice(-8)}
                        </button>
                      )}
                    </td>
                  </tr>
                ))}
              </Table>
              {rows.length >= limit && (
                <Button className="mt-3" busy={calls.isFetching} onClick={() => setLimit(limit + AT_ONCE)}>
                  {t("next")}
                </Button>
              )}
            </div>
          )
        }
      </Fetched>
    </Page>
  );
}
