// Home: how every sync and every connection stands, and what needs a person.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, result, type Schemas } from "../api/client";
import { type Status, useStatus } from "../api/live";
import { known, span, useSpeech, useT } from "../i18n";
import { Ago, Card, Empty, Fact, Fetched, Figure, Light, LinkButton, Page, useNow } from "../ui/basic";
import { useWorkflows } from "../workflows/health";
import { Charts } from "./charts";
import { connectionTone, connectionWord, lastLooked, meter, openReviews, syncTone, waitingOn } from "./standing";

export function HomePage() {
  const t = useT();
  const status = useStatus();
  return (
    <Page
      title={t("nav.home")}
      lead={t("home.lead")}
      actions={
        <LinkButton needs="config" to="/new" look="main">
          {t("new.title")}
        </LinkButton>
      }
    >
      <Fetched of={status}>
        {(now) =>
          now.config === null ? (
            <Empty title={t("home.empty")}>
              <p>{t("home.empty.how")}</p>
            </Empty>
          ) : (
            <Standing status={now} />
          )
        }
      </Fetched>
    </Page>
  );
}

function Standing({ status }: { status: Status }) {
  const { t, language } = useSpeech();
  const number = (n: number) => n.toLocaleString(language);
  const syncs = status.syncs ?? [];
  const links = Object.values(status.links ?? {}).reduce((all, one) => all + one, 0);
  const waiting = (status.connections ?? []).reduce((all, { name }) => all + waitingOn(status, name), 0);
  const failing = Object.values(status.failing ?? {}).reduce((all, one) => all + one, 0);
  const blocked = Object.values(status.blocked ?? {}).reduce((all, one) => all + one, 0);
  return (
    <div className="space-y-6">
      <div className="grid grid-cols-2 gap-3 md:grid-cols-4">
        <Figure label={t("home.pairs")} value={number(links)} />
        <Figure label={t("home.questions")} value={number(openReviews(status))} />
        <Figure label={t("home.waiting")} value={number(waiting)} />
        <Figure label={t("home.troubled")} value={number(failing + blocked)} {...(failing > 0 ? { tone: "warn" as const } : {})} />
      </div>
      <Needs status={status} />
      <div className="grid gap-4 lg:grid-cols-2">
        {syncs.map((sync) => (
          <SyncCard key={sync.name} status={status} sync={sync} />
        ))}
        {syncs.length === 0 && <Empty title={t("home.nosync")}>{t("home.nosync.how")}</Empty>}
      </div>
      <Charts status={status} />
      <Card title={t("nav.connections")}>
        <ul className="divide-y divide-line">
          {(status.connections ?? []).map((connection) => (
            <li key={connection.name} className="flex flex-wrap items-center gap-x-4 gap-y-1 py-2.5 first:pt-0 last:pb-0">
              <span className="min-w-40 grow">
                <span className="font-medium">{connection.name}</span>
                <span className="block text-sm text-soft">
                  {connection.title}
                  {connection.account ? ` · ${connection.account.name}` : ""}
                </span>
              </span>
              <span className="text-sm text-soft tabular-nums">
                {t("home.calls", { reads: connection.calls.reads, writes: connection.calls.writes })}
              </span>
              <Light tone={connectionTone(connection)}>
                {known(t, "health", connectionWord(connection))}
              </Light>
            </li>
          ))}
        </ul>
      </Card>
    </div>
  );
}

/** What stands until a person does something. */
function Needs({ status }: { status: Status }) {
  const t = useT();
  const signIns = (status.connections ?? []).filter(
    (connection) => connectionTone(connection) === "bad" || connection.account === null,
  );
  const stopped = (status.syncs ?? []).filter((sync) => sync.state === "paused" && sync.why !== "by a person");
  const questions = openReviews(status);
  const workflows = useWorkflows();
  const asking = (workflows.data ?? []).filter((row) => row.asking > 0 || row.last?.state === "failed");
  if (signIns.length + stopped.length + questions + asking.length === 0) {
    return (
      <Card title={t("home.needs")}>
        <p>{t("home.needs.nothing")}</p>
      </Card>
    );
  }
  return (
    <Card title={t("home.needs")}>
      <ul className="space-y-2">
        {stopped.map((sync) => (
          <li key={sync.name} className="flex flex-wrap items-center gap-2">
            <Light tone="bad">{t("state.paused")}</Light>
            <span className="min-w-0 grow">
              <b>{sync.name}</b>: {sync.why}
            </span>
          </li>
        ))}
        {signIns.map((connection) => (
          <li key={connection.name} className="flex flex-wrap items-center gap-2">
            <Light tone="bad">{known(t, "health", connectionWord(connection))}</Light>
            <span className="min-w-0 grow">
              <b>{connection.name}</b>
              {connection.account && connection.health.why ? `: ${connection.health.why}` : ""}
            </span>
          </li>
        ))}
        {asking.map((row) => (
          <li key={row.name} className="flex flex-wrap items-center gap-2">
            <Light tone={row.asking > 0 ? "warn" : "bad"}>{t(row.asking > 0 ? "flow.health.asking" : "flow.health.failing")}</Light>
            <span className="min-w-0 grow">
              <b>{row.title ?? row.name}</b>
              {row.last?.note ? `: ${row.last.note}` : ""}
            </span>
            <LinkButton to="/workflows/$name" params={{ name: row.name }} search={{ tab: "runs" }}>
              {t("flow.tab.runs")}
            </LinkButton>
          </li>
        ))}
        {questions > 0 && (
          <li className="flex flex-wrap items-center gap-2">
            <span className="min-w-0 grow">{t("home.needs.questions", { n: questions })}</span>
            <LinkButton to="/reviews" look="main">
              {t("home.needs.answer")}
            </LinkButton>
          </li>
        )}
      </ul>
    </Card>
  );
}

function SyncCard({ status, sync }: { status: Status; sync: Schemas["SyncStatus"] }) {
  const { t, language } = useSpeech();
  const number = (n: number) => n.toLocaleString(language);
  const looked = lastLooked(sync);
  const lag = Math.max(sync.lag_to_left?.half_within_ms ?? 0, sync.lag_to_right?.half_within_ms ?? 0);
  const written = ["created_left", "created_right", "updated_left", "updated_right"].reduce(
    (all, name) => all + meter(status, sync.name, name),
    0,
  );
  const apart = (status.blocked?.[sync.name] ?? 0) + (status.reviews?.[sync.name]?.["conflict"] ?? 0);
  return (
    <Card
      title={
        <Link to="/syncs/$name" params={{ name: sync.name }} className="text-accent underline">
          {sync.name}
        </Link>
      }
      actions={<Light tone={syncTone(status, sync)}>{known(t, "state", sync.state)}</Light>}
    >
      <p className="mb-3 text-sm text-soft">
        {sync.left} ⇄ {sync.right}
      </p>
      {sync.why && <p className="mb-3 rounded-md bg-warn-wash px-3 py-2 text-sm text-warn">{sync.why}</p>}
      <dl className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        <Fact label={t("home.pairs")}>{number(status.links?.[sync.name] ?? 0)}</Fact>
        <Fact label={t("home.agreement")}>
          {apart === 0 ? t("home.agreement.all") : t("home.agreement.apart", { n: apart })}
        </Fact>
        <Fact label={t("home.questions")}>
          {openReviews(status, sync.name) > 0 ? (
            <Link to="/reviews" search={{ sync: sync.name, id: undefined }} className="text-accent underline">
              {number(openReviews(status, sync.name))}
            </Link>
          ) : (
            "0"
          )}
        </Fact>
        <Fact label={t("home.activity")}>
          <Activity sync={sync.name} />
        </Fact>
        <Fact label={t("home.looked")}>{looked ? <Ago at={looked} /> : t("home.never")}</Fact>
        <Fact label={t("home.lag")}>{lag > 0 ? t("home.lag.half", { time: span(language, lag) }) : t("home.never")}</Fact>
        <Fact label={t("home.written")}>{number(written)}</Fact>
        <Fact label={t("home.sweep")}>{number(meter(status, sync.name, "found_by_sweep"))}</Fact>
        <Fact label={t("home.blocked")}>{number(status.blocked?.[sync.name] ?? 0)}</Fact>
      </dl>
    </Card>
  );
}

/** So long without any change is worth a look. */
const QUIET = 24 * 3_600_000;

/** When the sync last did anything. */
function Activity({ sync }: { sync: string }) {
  const t = useT();
  const now = useNow();
  const journal = useQuery({
    queryKey: ["journal", sync],
    queryFn: () => result(api.GET("/journal", { params: { query: { sync, limit: 1 } } })),
    meta: { live: true },
  });
  const last = journal.data?.[0]?.at;
  if (last === undefined) return journal.isPending ? "…" : t("home.never");
  if (now - Date.parse(last) < QUIET) return <Ago at={last} />;
  return (
    <span className="font-medium text-warn">
      ▲ {t("home.quiet")} <Ago at={last} />
    </span>
  );
}
