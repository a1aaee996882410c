// One record: both sides field by field with what they last agreed on, and everything that was done to it.
import { useQueries, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api, result, type Schemas } from "../api/client";
import { known, useT } from "../i18n";
import { Ago, Card, Fetched, Light, LinkButton, Page, Table, Trouble } from "../ui/basic";
import { FieldValue } from "../ui/value";
import { Decided, Split } from "./split";

const route = getRouteApi("/inside/records/$connection/$entity/$id");

type Explanation = Schemas["Explanation"];

export function RecordPage() {
  const t = useT();
  const { connection, entity, id } = route.useParams();
  const explanation = useQuery({
    queryKey: ["explain", connection, entity, id],
    queryFn: () =>
      result(api.GET("/explain", { params: { query: { connection, entity: entity as Schemas["Entity"], id } } })),
    meta: { live: true },
  });
  return (
    <Page
      title={`${known(t, "entity", entity)} ${id}`}
      lead={connection}
      actions={
        <LinkButton needs="work" to="/undo" search={{ connection, record: id, run: undefined, field: undefined }}>
          {t("records.undo")}
        </LinkButton>
      }
    >
      <Fetched of={explanation}>{(found) => <Whole explanation={found} />}</Fetched>
    </Page>
  );
}

function Whole({ explanation }: { explanation: Explanation }) {
  const t = useT();
  const { connection, entity, record, links } = explanation;
  const ends = [{ connection, id: record }, ...links.map((link) => ({ connection: link.other_connection, id: link.other_record }))];
  const now = useQueries({
    queries: ends.map((end) => ({
      queryKey: ["record", end.connection, entity, end.id],
      queryFn: () =>
        result(api.GET("/connections/{name}/records/{entity}/{id}", { params: { path: { name: end.connection, entity, id: end.id } } })),
      staleTime: 30_000,
    })),
  });
  const mine = now[0]?.data?.fields ?? {};
  const mapped = new Set(explanation.fields.map(({ field }) => field));
  const others = Object.entries(mine).filter(([name, field]) => !mapped.has(name) && field !== "empty" && field !== "unknown");
  const changes = explanation.fields
    .flatMap((field) => field.changes.map((change) => ({ ...change, field: field.field })))
    .concat(explanation.events.map((event) => ({ ...event, field: "" })))
    .toSorted((one, other) => (one.at < other.at ? 1 : -1));
  return (
    <div className="space-y-5">
      {now.map((one, at) => (one.error ? <Trouble key={ends[at]?.id} error={one.error} again={() => void one.refetch()} /> : null))}
      {explanation.reviews.length > 0 && (
        <Card title={t("home.questions")}>
          <ul className="space-y-1">
            {explanation.reviews.map((review) => (
              <li key={review}>{review}</li>
            ))}
          </ul>
          <LinkButton to="/reviews" className="mt-3">
            {t("home.needs.answer")}
          </LinkButton>
        </Card>
      )}
      {links.map((link, at) => (
        <Card
          key={link.sync}
          title={
            <>
              {link.sync}: {connection} ⇄ {link.other_connection}{" "}
              <span className="font-normal break-all text-soft">{link.other_record}</span>
            </>
          }
          actions={
            <span className="flex flex-wrap gap-2">
              <Split sync={link.sync} entity={entity} one={{ connection, record }} other={{ connection: link.other_connection, record: link.other_record }} />
              <LinkButton to="/records/$connection/$entity/$id" params={{ connection: link.other_connection, entity, id: link.other_record }}>
                {t("records.other")}
              </LinkButton>
            </span>
          }
        >
          <p className="mb-3 text-sm text-soft">
            {t("records.how", { how: link.how })} · <Ago at={link.since} />
          </p>
          <Table
            label={t("records.fields", { sync: link.sync })}
            heads={[t("syncs.mapping"), connection, link.other_connection, t("records.base"), t("records.agreement"), t("records.undo")]}
          >
            {mappings(explanation.fields, now[at + 1]?.data?.fields).map((mapping) => {
              const there = now[at + 1]?.data?.fields;
              const changed = mapping.fields.find((field) => field.changes.length > 0);
              const read = mapping.fields.some((field) => mine[field.field] !== undefined);
              return (
                <tr key={mapping.id}>
                  <td>
                    {mapping.id.replaceAll("_", " ")}
                    <span className="block text-xs text-soft">
                      {mapping.fields.map(({ field }) => field).join(", ")} ⇄ {mapping.others.join(", ")}
                    </span>
                  </td>
                  <td className="min-w-32">
                    <Stack fields={mapping.fields.map(({ field }) => mine[field])} />
                  </td>
                  <td className="min-w-32">
                    <Stack fields={mapping.others.map((name) => there?.[name])} />
                  </td>
                  <td className="min-w-32 text-soft">
                    <Stack fields={mapping.fields.map(({ value }) => value)} />
                  </td>
                  <td>
                    {mapping.blocked !== undefined ? (
                      <>
                        <Light tone="warn">{t("records.blocked")}</Light>
                        <span className="block max-w-60 text-xs text-soft">{mapping.blocked}</span>
                      </>
                    ) : !read ? null : mapping.fields.every((field) => same(mine[field.field], field.value)) ? (
                      <Light tone="ok">{t("records.agreed")}</Light>
                    ) : (
                      <Light tone="accent">{t("records.changed")}</Light>
                    )}
                  </td>
                  <td>
                    {changed && (
                      <LinkButton needs="work" look="quiet" to="/undo" search={{ connection, record, field: changed.field, run: undefined }}>
                        {t("records.undo")}
                      </LinkButton>
                    )}
                  </td>
                </tr>
              );
            })}
          </Table>
        </Card>
      ))}
      <Decided connection={connection} entity={entity} record={record} />
      <Card title={t("records.timeline")}>
        {changes.length === 0 ? (
          <p className="text-soft">{t("records.timeline.none")}</p>
        ) : (
          <ol className="space-y-3 border-l-2 border-line pl-4">
            {changes.slice(0, 200).map((change) => (
              <li key={`${change.at}${change.trace}${change.field}${change.effect}`}>
                <p className="flex flex-wrap items-baseline gap-x-2">
                  <span className="font-medium">
                    {known(t, "effect", change.effect)} {change.field}
                  </span>
                  <span className="text-sm text-soft">
                    <Ago at={change.at} /> · {change.rule} · {known(t, "signal", change.signal)}
                    {change.origin ? ` · ${[change.origin.join(" "), ...change.passed].join(" → ")}` : ""}
                  </span>
                </p>
                {change.field && (
                  <p className="text-sm break-words">
                    <span className="text-soft">
                      <FieldValue field={change.before} />
                    </span>{" "}
                    → <FieldValue field={change.after} />
                  </p>
                )}
                {change.note && <p className="text-sm text-soft">{change.note}</p>}
              </li>
            ))}
          </ol>
        )}
      </Card>
      {others.length > 0 && (
        <Card title={t("records.unmapped")}>
          <dl className="grid gap-x-6 gap-y-2 sm:grid-cols-2">
            {others.map(([name, field]) => (
              <div key={name} className="min-w-0">
                <dt className="text-xs text-soft">{name}</dt>
                <dd>
                  <FieldValue field={field} />
                </dd>
              </div>
            ))}
          </dl>
        </Card>
      )}
    </div>
  );
}

/** Values of the fields of one mapping, one below the other. */
function Stack({ fields }: { fields: unknown[] }) {
  const some = fields.filter((field) => field !== "empty" && field !== "unknown" && field !== undefined);
  // values have no name of their own here and never change their order
  return (some.length > 0 ? some : fields.slice(0, 1)).map((field, at) => (
    // oxlint-disable-next-line react/no-array-index-key
    <span key={at} className="block">
      <FieldValue field={field} />
    </span>
  ));
}

interface Mapping {
  id: string;
  fields: Schemas["ExplainedField"][];
  others: string[];
  blocked: string | undefined;
}

/** The mapped fields by mapping, those whose counterparts that record has: a record may be linked in more than one sync. */
function mappings(fields: Schemas["ExplainedField"][], there: Schemas["Fields"] | undefined): Mapping[] {
  const found = new Map<string, Mapping>();
  for (const field of fields) {
    if (field.mapping === null) continue;
    const others = field.counterpart.map(([name]) => String(name));
    if (there !== undefined && !others.some((name) => Object.hasOwn(there, name))) continue;
    const mapping = found.get(field.mapping) ?? { id: field.mapping, fields: [], others, blocked: undefined };
    mapping.fields.push(field);
    mapping.blocked ??= field.blocked ?? undefined;
    found.set(field.mapping, mapping);
  }
  return [...found.values()];
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
