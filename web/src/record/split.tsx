// Ending a link because the two are not one, and what was decided about a record and others.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { useStatus } from "../api/live";
import { known, useT } from "../i18n";
import { RecordLink } from "../syncs/page";
import { Forget } from "../syncs/links";
import { Button, Card, Table, Trouble } from "../ui/basic";
import { Dialog } from "../ui/dialog";

interface End {
  connection: string;
  record: string;
}

export function Split({ sync, entity, one, other }: { sync: string; entity: Schemas["Entity"]; one: End; other: End }) {
  const status = useStatus();
  const ends = status.data?.syncs?.find(({ name }) => name === sync);
  const t = useT();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [leave, setLeave] = useState(true);
  const split = useMutation({
    mutationFn: () => {
      const [left, right] = ends?.left === one.connection ? [one.record, other.record] : [other.record, one.record];
      return result(api.POST("/syncs/{name}/links/split", { params: { path: { name: sync } }, body: { entity, left, right, leave } }));
    },
    onSuccess: async () => {
      setOpen(false);
      await Promise.all(["explain", "decisions", "links", "status"].map((key) => client.invalidateQueries({ queryKey: [key] })));
    },
  });
  // what is no longer in the config has nothing that could be split
  if (!ends) return null;
  return (
    <>
      <Button needs="work" onClick={() => setOpen(true)}>{t("links.split")} …</Button>
      <Dialog title={t("links.split.title")} open={open} close={() => setOpen(false)}>
        <div className="space-y-4">
          <p>{t("links.split.how", { one: `${one.connection} ${one.record}`, other: `${other.connection} ${other.record}` })}</p>
          <label className="flex items-start gap-2">
            <input type="checkbox" className="mt-1 size-4" checked={leave} onChange={(event) => setLeave(event.target.checked)} />
            <span>{t("links.split.leave")}</span>
          </label>
          {split.error && <Trouble error={split.error} />}
          <Button look="danger" busy={split.isPending} onClick={() => split.mutate()}>
            {t("links.split.go")}
          </Button>
        </div>
      </Dialog>
    </>
  );
}

/** In each sync of its connection: the pairs with this record that people decided about. */
export function Decided({ connection, entity, record }: { connection: string; entity: Schemas["Entity"]; record: string }) {
  const status = useStatus();
  const syncs = (status.data?.syncs ?? []).filter(({ left, right }) => left === connection || right === connection);
  return syncs.map((sync) => <DecidedIn key={sync.name} sync={sync} connection={connection} entity={entity} record={record} />);
}

function DecidedIn({ sync, connection, entity, record }: { sync: Schemas["SyncStatus"]; connection: string; entity: Schemas["Entity"]; record: string }) {
  const t = useT();
  const side = sync.left === connection ? "left" : "right";
  const other = side === "left" ? "right" : "left";
  const decisions = useQuery({
    queryKey: ["decisions", sync.name, entity, side, record],
    queryFn: () =>
      result(api.GET("/syncs/{name}/decisions", { params: { path: { name: sync.name }, query: { entity, side, record } } })),
    meta: { live: true },
  });
  const rows = decisions.data ?? [];
  if (rows.length === 0) return null;
  return (
    <Card title={t("links.decided", { sync: sync.name })}>
      <Table label={t("links.decided", { sync: sync.name })} heads={[t("records.record"), t("links.decision"), t("links.forget")]}>
        {rows.map((row) => (
          <tr key={row[other]}>
            <td>
              <RecordLink connection={sync[other]} entity={entity} id={row[other]} />
            </td>
            <td>{known(t, "decision", row.decision)}</td>
            <td>
              <Forget sync={sync.name} pair={row} />
            </td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}
