// One sync: how it stands, what a run would do, running it, what is blocked, and what was done.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, result, type Schemas } from "../api/client";
import { type Status, useStatus } from "../api/live";
import { syncTone } from "../home/standing";
import { known, useSpeech, useT } from "../i18n";
import { Ago, Button, Card, Empty, Fetched, Light, LinkButton, Page, Table, Trouble } from "../ui/basic";
import { Blocked } from "./blocked";
import { History } from "./history";
import { Links } from "./links";
import { Paged, Since } from "./paging";
import { Running } from "./run";

const route = getRouteApi("/inside/syncs/$name");

export function SyncPage() {
  const t = useT();
  const { name } = route.useParams();
  const status = useStatus();
  const sync = status.data?.syncs?.find((one) => one.name === name);
  return (
    <Page
      title={name}
      lead={sync ? `${sync.left} ⇄ ${sync.right}` : undefined}
      actions={sync && status.data ? <Pausing sync={sync} status={status.data} /> : undefined}
    >
      <Fetched of={status}>
        {(now) => (sync ? <Standing key={name} sync={sync} status={now} /> : <Empty title={t("syncs.unknown", { name })} />)}
      </Fetched>
    </Page>
  );
}

function Pausing({ sync, status }: { sync: Schemas["SyncStatus"]; status: Status }) {
  const t = useT();
  const client = useQueryClient();
  const paused = sync.state === "paused";
  const turn = useMutation({
    mutationFn: () => {
      const params = { params: { path: { name: sync.name } } };
      return result(paused ? api.POST("/syncs/{name}/resume", params) : api.POST("/syncs/{name}/pause", params));
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["status"] }),
  });
  return (
    <>
      <span className="self-center">
        <Light tone={syncTone(status, sync)}>{known(t, "state", sync.state)}</Light>
      </span>
      <Button needs="work" busy={turn.isPending} onClick={() => turn.mutate()}>
        {paused ? t("syncs.resume") : t("syncs.pause")}
      </Button>
      {turn.error && <Trouble error={turn.error} />}
    </>
  );
}

function Standing({ sync, status }: { sync: Schemas["SyncStatus"]; status: Status }) {
  const t = useT();
  const paused = Object.entries(sync.paused_mappings);
  const failing = (status.failing_records ?? []).filter(
    ({ connection }) => connection === sync.left || connection === sync.right,
  );
  return (
    <div className="space-y-5">
      {sync.why && <p className="rounded-lg border border-warn bg-warn-wash px-4 py-3 text-warn">{sync.why}</p>}
      <Running sync={sync} />
      {paused.length > 0 && (
        <Card title={t("syncs.mappings")}>
          <ul className="space-y-1">
            {paused.map(([mapping, why]) => (
              <li key={mapping}>
                <b>{mapping}</b>: {why}
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Blocked sync={sync} />
      <Skipped sync={sync} />
      <Card title={t("syncs.failing")}>
        {failing.length === 0 ? (
          <p className="text-soft">{t("syncs.failing.none")}</p>
        ) : (
          <Table label={t("syncs.failing")} heads={[t("records.record"), t("syncs.tries"), t("syncs.error")]}>
            {failing.map((row) => (
              <tr key={`${row.connection}${row.record}`}>
                <td>
                  <RecordLink connection={row.connection} entity={row.entity} id={row.record} />
                </td>
                <td className="tabular-nums">{row.attempts}</td>
                <td className="min-w-60">{row.error}</td>
              </tr>
            ))}
          </Table>
        )}
      </Card>
      <Meters sync={sync.name} status={status} />
      <Runs sync={sync.name} />
      <Links sync={sync} />
      <History sync={sync.name} />
    </div>
  );
}

export function RecordLink({ connection, entity, id }: { connection: string; entity: string; id: string }) {
  return (
    <Link
      to="/records/$connection/$entity/$id"
      params={{ connection, entity, id }}
      className="break-all text-accent underline"
    >
      {connection} {id}
    </Link>
  );
}

/** Records that were looked at and left out. */
function Skipped({ sync }: { sync: Schemas["SyncStatus"] }) {
  const t = useT();
  return (
    <Card title={t("syncs.skipped")}>
      <Paged
        list={["skipped", sync.name]}
        get={(page) => result(api.GET("/syncs/{name}/skipped", { params: { path: { name: sync.name }, query: page } }))}
        none={t("syncs.skipped.none")}
      >
        {(rows) => (
          <Table label={t("syncs.skipped")} heads={[t("records.record"), t("syncs.reason"), t("syncs.since")]}>
            {rows.map((row) => (
              <tr key={row.cursor}>
                <td>
                  <RecordLink connection={row.connection} entity={row.entity} id={row.record} />
                </td>
                <td className="min-w-60" title={row.why}>
                  {t(`skipped.${row.reason}`)}
                </td>
                <Since at={row.since} />
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </Card>
  );
}

/** Counters since the beginning, but for the spans, which Home shows. */
function Meters({ sync, status }: { sync: string; status: Status }) {
  const { t, language } = useSpeech();
  const meters = Object.entries(status.meters ?? {})
    .filter(([name]) => name.startsWith(`${sync}:`) && !/:(lag|overwrite):/.test(name))
    .map(([name, count]) => [name.slice(sync.length + 1), count] as const);
  return (
    <Card title={t("syncs.meters")}>
      {meters.length === 0 ? (
        <p className="text-soft">{t("syncs.meters.none")}</p>
      ) : (
        <dl className="grid grid-cols-2 gap-3 sm:grid-cols-3 lg:grid-cols-5">
          {meters.map(([name, count]) => (
            <div key={name}>
              <dt className="text-xs text-soft">{known(t, "count", name)}</dt>
              <dd className="font-medium tabular-nums">{count.toLocaleString(language)}</dd>
            </div>
          ))}
        </dl>
      )}
    </Card>
  );
}

function Runs({ sync }: { sync: string }) {
  const { t, language } = useSpeech();
  const runs = useQuery({
    queryKey: ["runs", sync],
    queryFn: () => result(api.GET("/runs", { params: { query: { sync, limit: 20 } } })),
    meta: { live: true },
  });
  return (
    <Card title={t("syncs.runs")}>
      <Fetched of={runs} rows={1}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="text-soft">{t("syncs.runs.none")}</p>
          ) : (
            <Table label={t("syncs.runs")} heads={[t("syncs.began"), t("syncs.kind"), t("syncs.outcome"), t("syncs.counts"), t("records.undo")]}>
              {rows.map((run) => (
                <tr key={run.id}>
                  <td>
                    <Ago at={run.started} />
                  </td>
                  <td>{known(t, "run", run.kind)}</td>
                  <td>
                    <Light tone={run.state === "failed" ? "bad" : run.state === "stopped" || run.state === "interrupted" ? "warn" : run.state === "running" ? "accent" : "ok"}>
                      {known(t, "outcome", run.state)}
                    </Light>
                  </td>
                  <td className="min-w-60 text-soft">
                    {Object.entries(run.counts)
                      .filter(([name]) => !/^(lag|overwrite):/.test(name))
                      .map(([name, count]) => `${known(t, "count", name)} ${count.toLocaleString(language)}`)
                      .join(" · ")}
                  </td>
                  <td>
                    <LinkButton needs="work" to="/undo" search={{ run: run.id, connection: undefined, record: undefined, field: undefined }}>
                      {t("records.undo")}
                    </LinkButton>
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Fetched>
    </Card>
  );
}
