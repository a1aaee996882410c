// Finding a record: by its id, or among those that are linked and those that were worked on last.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { useStatus } from "../api/live";
import { known, useT } from "../i18n";
import { Ago, Button, Card, Fetched, inputs, Labelled, Page, Table } from "../ui/basic";
import { RecordLink } from "../syncs/page";

const entities: Schemas["Entity"][] = ["contact", "company", "task", "note", "appointment", "opportunity"];
const AT_ONCE = 50;

export function RecordsPage() {
  const t = useT();
  const navigate = useNavigate();
  const status = useStatus();
  const connections = status.data?.connections ?? [];
  const syncs = status.data?.syncs ?? [];
  const [connection, setConnection] = useState("");
  const [entity, setEntity] = useState<Schemas["Entity"]>("contact");
  const [id, setId] = useState("");
  const [chosen, setChosen] = useState("");
  const [after, setAfter] = useState<string>();
  const sync = syncs.find(({ name }) => name === chosen) ?? syncs[0];
  const links = useQuery({
    queryKey: ["links", sync?.name, after],
    enabled: sync !== undefined,
    queryFn: () =>
      result(
        api.GET("/syncs/{name}/links", {
          params: { path: { name: sync?.name ?? "" }, query: { limit: AT_ONCE, ...(after ? { after } : {}) } },
        }),
      ),
  });
  const journal = useQuery({
    queryKey: ["journal"],
    queryFn: () => result(api.GET("/journal", { params: { query: { limit: 30 } } })),
    meta: { live: true },
  });
  const from = connection || connections[0]?.name || "";
  return (
    <Page title={t("nav.records")} lead={t("records.lead")}>
      <div className="space-y-5">
        <Card title={t("records.find")}>
          <form
            className="grid items-end gap-3 sm:grid-cols-[1fr_1fr_2fr_auto]"
            onSubmit={(event) => {
              event.preventDefault();
              if (id.trim() && from) {
                void navigate({ to: "/records/$connection/$entity/$id", params: { connection: from, entity, id: id.trim() } });
              }
            }}
          >
            <Labelled label={t("records.connection")}>
              {(field) => (
                <select id={field} className={inputs} value={from} onChange={(event) => setConnection(event.target.value)}>
                  {connections.map(({ name }) => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
              )}
            </Labelled>
            <Labelled label={t("records.entity")}>
              {(field) => (
                <select id={field} className={inputs} value={entity} onChange={(event) => setEntity(event.target.value as Schemas["Entity"])}>
                  {entities.map((one) => (
                    <option key={one} value={one}>
                      {known(t, "entity", one)}
                    </option>
                  ))}
                </select>
              )}
            </Labelled>
            <Labelled label={t("records.id")}>
              {(field) => <input id={field} className={inputs} required value={id} onChange={(event) => setId(event.target.value)} />}
            </Labelled>
            <Button type="submit" look="main">
              {t("records.open")}
            </Button>
          </form>
        </Card>
        <Card title={t("records.recent")}>
          <Fetched of={journal}>
            {(rows) =>
              rows.length === 0 ? (
                <p className="text-soft">{t("records.timeline.none")}</p>
              ) : (
                <Table label={t("records.recent")} heads={[t("records.when"), t("records.what"), t("records.record"), t("syncs.name")]}>
                  {rows.map((row) => (
                    <tr key={row.seq}>
                      <td>
                        <Ago at={row.at} />
                      </td>
                      <td>
                        {known(t, "effect", row.effect)} {row.field}
                      </td>
                      <td>
                        <RecordLink connection={row.connection} entity={row.entity} id={row.record} />
                      </td>
                      <td>{row.sync}</td>
                    </tr>
                  ))}
                </Table>
              )
            }
          </Fetched>
        </Card>
        {sync && (
          <Card
            title={t("records.linked")}
            actions={
              syncs.length > 1 && (
                <select
                  aria-label={t("syncs.name")}
                  className={`${inputs} max-w-48`}
                  value={sync.name}
                  onChange={(event) => {
                    setChosen(event.target.value);
                    setAfter(undefined);
                  }}
                >
                  {syncs.map(({ name }) => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
              )
            }
          >
            <Fetched of={links}>
              {(rows) => (
                <>
                  <Table label={t("records.linked")} heads={[t("records.entity"), sync.left, sync.right, t("records.matched"), t("syncs.since")]}>
                    {rows.map((row) => (
                      <tr key={row.id}>
                        <td>{known(t, "entity", row.entity)}</td>
                        <td>
                          <RecordLink connection={sync.left} entity={row.entity} id={row.left} />
                        </td>
                        <td>
                          <RecordLink connection={sync.right} entity={row.entity} id={row.right} />
                        </td>
                        <td className="min-w-48">{row.how}</td>
                        <td>
                          <Ago at={row.created} />
                        </td>
                      </tr>
                    ))}
                  </Table>
                  <div className="mt-3 flex gap-2">
                    <Button disabled={after === undefined} onClick={() => setAfter(undefined)}>
                      {t("first")}
                    </Button>
                    <Button disabled={rows.length < AT_ONCE} onClick={() => setAfter(rows.at(-1)?.id)}>
                      {t("next")}
                    </Button>
                  </div>
                </>
              )}
            </Fetched>
          </Card>
        )}
      </div>
    </Page>
  );
}
