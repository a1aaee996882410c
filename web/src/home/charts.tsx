// The last day in bars: what was written, what failed, how much of the limits went, and how changes were noticed.
import { useQuery } from "@tanstack/react-query";
import { api, result, type Schemas } from "../api/client";
import type { Status } from "../api/live";
import { useSpeech } from "../i18n";
import { Card, Empty, Fetched } from "../ui/basic";

/** So many bars, however long it is that is known. */
const BARS = 48;
const WIDTH = 480;
const HEIGHT = 90;

type Point = Schemas["Series"]["points"][number];

interface Line {
  label: string;
  colour: string;
  values: number[];
}

export function Charts({ status }: { status: Status }) {
  const { t } = useSpeech();
  const series = useQuery({ queryKey: ["series"], queryFn: () => result(api.GET("/series")), refetchInterval: 30_000, meta: { live: true } });
  return (
    <Card title={t("charts.title")}>
      <Fetched of={series} rows={1}>
        {({ points, every_ms }) => {
          if (points.length === 0) return <Empty title={t("charts.none")} />;
          const { slots, span } = inSlots(points, every_ms);
          const sums = (pick: (point: Point) => number) => slots.map((slot) => slot.reduce((all, point) => all + pick(point), 0));
          const calls = status.connections ?? [];
          return (
            <div className="grid gap-5 md:grid-cols-2">
              <Chart title={t("charts.written")} from={points[0]?.at ?? ""} lines={[{ label: t("charts.written"), colour: "fill-accent", values: sums((point) => point.written) }]} />
              <Chart title={t("charts.errors")} from={points[0]?.at ?? ""} lines={[{ label: t("charts.errors"), colour: "fill-bad", values: sums((point) => point.errors) }]} />
              <Chart
                title={t("charts.noticed")}
                from={points[0]?.at ?? ""}
                lines={[
                  { label: t("charts.told"), colour: "fill-ok", values: sums((point) => point.told) },
                  { label: t("charts.found"), colour: "fill-warn", values: sums((point) => point.found) },
                ]}
              />
              {calls.map((connection) => (
                <Chart
                  key={connection.name}
                  title={t("charts.budget", { name: connection.name })}
                  from={points[0]?.at ?? ""}
                  limit={allowed(connection, span)}
                  lines={[{ label: t("charts.calls"), colour: "fill-accent", values: sums((point) => point.calls[connection.name] ?? 0) }]}
                />
              ))}
            </div>
          );
        }}
      </Fetched>
    </Card>
  );
}

/** The points in as many slots as there are bars, the last one now. */
export function inSlots(points: Point[], every: number, bars = BARS): { slots: Point[][]; span: number } {
  const last = Date.parse(points.at(-1)?.at ?? "");
  const known = Math.round((last - Date.parse(points[0]?.at ?? "")) / every) + 1;
  const each = Math.max(1, Math.ceil(known / bars));
  const slots: Point[][] = Array.from({ length: bars }, () => []);
  for (const point of points) {
    const back = Math.floor((last - Date.parse(point.at)) / every / each);
    slots[bars - 1 - back]?.push(point);
  }
  return { slots, span: each * every };
}

/** What the limits allow within this time, if any is known. */
export function allowed(connection: Schemas["Connection"], span: number): number | undefined {
  const limits = (connection.budget ?? []).filter(({ of }) => of === null).map(({ requests, per_ms }) => (requests * span) / per_ms);
  return limits.length > 0 ? Math.min(...limits) : undefined;
}

function Chart({ title, lines, limit, from }: { title: string; lines: Line[]; limit?: number | undefined; from: string }) {
  const { t, language } = useSpeech();
  const number = (n: number) => n.toLocaleString(language, { maximumFractionDigits: 0 });
  const most = Math.max(1, ...lines.flatMap(({ values }) => values));
  // a limit far above what is used stands at the top
  const top = limit !== undefined && limit < most * 3 ? Math.max(most, limit) : most;
  const width = WIDTH / BARS;
  const total = lines.map(({ label, values }) => `${label}: ${number(values.reduce((all, one) => all + one, 0))}`).join(", ");
  const more = limit === undefined ? "" : ` · ${t("charts.limit", { n: number(limit), used: number(Math.max(...lines.flatMap(({ values }) => values))) })}`;
  return (
    <figure className="min-w-0">
      <figcaption className="mb-1 text-sm font-medium">{title}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}. ${total}${more}`} className="h-24 w-full rounded bg-sunk" preserveAspectRatio="none">
        {lines.map((line, row) =>
          line.values.map((value, at) => {
            const height = (value / top) * (HEIGHT - 6);
            return (
              // bars have no name but their place
              // oxlint-disable-next-line react/no-array-index-key
              <rect key={at} className={line.colour} x={at * width + (row * (width - 2)) / lines.length + 1} y={HEIGHT - height} width={(width - 2) / lines.length} height={height} />
            );
          }),
        )}
        {limit !== undefined && limit <= top && <line className="stroke-bad" strokeDasharray="4 3" x1={0} x2={WIDTH} y1={HEIGHT - (limit / top) * (HEIGHT - 6)} y2={HEIGHT - (limit / top) * (HEIGHT - 6)} />}
      </svg>
      <p className="mt-0.5 flex flex-wrap justify-between gap-x-3 text-xs text-soft">
        <span>{from === "" ? "" : new Date(from).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" })}</span>
        <span>
          {total}
          {more}
        </span>
      </p>
    </figure>
  );
}
