// What does not cross: each field once for each reason, and on demand the records that it is about.
import { Fragment, useId, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { known, useSpeech, useT } from "../i18n";
import { Button, Card, Table } from "../ui/basic";
import { RecordLink } from "./page";
import { Paged, Since } from "./paging";

type Field = Schemas["BlockedFieldRow"];

export function Blocked({ sync }: { sync: Schemas["SyncStatus"] }) {
  const t = useT();
  return (
    <Card title={t("home.blocked")}>
      <Paged
        list={["blocked", sync.name]}
        get={(page) => result(api.GET("/blocked/fields", { params: { query: { sync: sync.name, ...page } } }))}
        none={t("syncs.blocked.none")}
      >
        {(rows) => (
          <Table
            label={t("home.blocked")}
            heads={[t("syncs.mapping"), t("records.entity"), t("syncs.blocked.records"), t("syncs.reason"), t("syncs.since")]}
          >
            {rows.map((row) => (
              <Row key={JSON.stringify([row.entity, row.mapping, row.side, row.reason])} sync={sync} field={row} />
            ))}
          </Table>
        )}
      </Paged>
    </Card>
  );
}

function Row({ sync, field }: { sync: Schemas["SyncStatus"]; field: Field }) {
  const { t, language } = useSpeech();
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <Fragment>
      <tr>
        <td>{field.mapping}</td>
        <td>{known(t, "entity", field.entity)}</td>
        <td>
          <Button
            aria-expanded={open}
            aria-controls={id}
            aria-label={t(open ? "syncs.blocked.hide" : "syncs.blocked.show", { mapping: field.mapping, n: field.records })}
            onClick={() => setOpen(!open)}
          >
            <span className="tabular-nums">{field.records.toLocaleString(language)}</span>
            <span aria-hidden="true">{open ? "▴" : "▾"}</span>
          </Button>
        </td>
        <td className="min-w-60">
          {field.connection}: {field.reason}
        </td>
        <Since at={field.since} />
      </tr>
      <tr id={id} hidden={!open}>
        <td colSpan={5}>{open && <Records sync={sync} field={field} />}</td>
      </tr>
    </Fragment>
  );
}

/** The records that a field is about. */
function Records({ sync, field }: { sync: Schemas["SyncStatus"]; field: Field }) {
  const t = useT();
  const { entity, mapping, side, reason } = field;
  return (
    <div className="border-l-2 border-line pl-3">
      <Paged
        list={["blocked", sync.name, entity, mapping, side, reason]}
        get={(page) =>
          result(
            api.GET("/syncs/{name}/blocked", {
              params: { path: { name: sync.name }, query: { entity, mapping, side, reason, ...page } },
            }),
          )
        }
      >
        {(rows) => (
          <Table label={t("syncs.blocked.of", { mapping })} heads={[sync.left, sync.right, t("syncs.since")]}>
            {rows.map((row) => (
              <tr key={row.cursor}>
                {([["left", row.left], ["right", row.right]] as const).map(([at, record]) => (
                  <td key={at}>{record && <RecordLink connection={sync[at]} entity={entity} id={record} />}</td>
                ))}
                <Since at={row.since} />
              </tr>
            ))}
          </Table>
        )}
      </Paged>
    </div>
  );
}
